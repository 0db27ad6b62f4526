//! Drones: ships that nobody flies, so that a lone player has something to shoot at.
//!
//! They sit at the same controls as players: a drone makes an [`Input`] out of what everybody sees.

use crate::{input::Input, map, ship::Ship, vector::Vector};

/// Nearer than this a drone backs off, in metres.
const NEAR_M: f32 = 5.0;

/// Farther than this it comes closer.
const FAR_M: f32 = 10.0;

/// Farther than this it does not fire.
const FIRE_M: f32 = 15.0;

/// Ticks for which it keeps to one side, and fires or holds its fire.
const MOOD_TICKS: u64 = 24;

/// Distance between two looks along a line of fire; less than the thinnest wall.
const LOOK_M: f32 = 0.5;

/// What a drone does in a tick.
pub fn input(drone: &Ship, ships: &[Ship], tick: u64) -> Input {
    let mood = tick / MOOD_TICKS + u64::from(drone.slot) * 5;
    let mut input = Input {
        // A drone is steered once a tick, so that ticks number its inputs.
        sequence: u32::try_from(tick & 0xffff_ffff).unwrap_or(0),
        thrust: Vector::default(),
        aim: None,
        fire: false,
    };
    let Some(target) = nearest_enemy(drone, ships) else {
        return input;
    };
    let way = target.position - drone.position;
    let distance_m = way.length_squared().sqrt();
    let Some(ahead) = way.normalised() else {
        return input;
    };
    let aside = Vector::new(-ahead.y, ahead.x) * if mood.is_multiple_of(2) { 0.7 } else { -0.7 };
    let approach = match distance_m {
        near if near < NEAR_M => -0.8,
        far if far > FAR_M => 0.8,
        _ => 0.1,
    };
    input.thrust = (ahead * approach + aside).at_most_one();
    input.aim = (ahead + aside * wobble(tick, drone.slot)).normalised();
    input.fire =
        mood.is_multiple_of(3) && distance_m < FIRE_M && sees(drone.position, ahead, distance_m);
    input
}

fn nearest_enemy<'a>(drone: &Ship, ships: &'a [Ship]) -> Option<&'a Ship> {
    let distance = |ship: &Ship| (ship.position - drone.position).length_squared();
    ships
        .iter()
        .filter(|ship| ship.slot != drone.slot && ship.is_alive())
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// How far off it aims, between none and a quarter to the side: a perfect shot is no fun.
fn wobble(tick: u64, slot: u8) -> f32 {
    let steps = u8::try_from((tick * 7 + u64::from(slot) * 13) % 16).unwrap_or(0);
    f32::from(steps) / 64.0
}

fn sees(from: Vector, direction: Vector, distance_m: f32) -> bool {
    let mut along_m = 0.0;
    while along_m < distance_m {
        if map::is_solid(from + direction * along_m) {
            return false;
        }
        along_m += LOOK_M;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ship_at(slot: u8, x: f32, y: f32) -> Ship {
        let mut ship = Ship::new(slot);
        ship.appear(Vector::new(x, y));
        ship
    }

    /// What a drone does over a while, with one enemy.
    fn inputs(drone: &Ship, enemy: &Ship) -> Vec<Input> {
        let ships = [drone.clone(), enemy.clone()];
        (0..600).map(|tick| input(drone, &ships, tick)).collect()
    }

    #[test]
    fn a_drone_alone_rests() {
        let drone = ship_at(0, 3.0, 3.0);
        let rest = input(&drone, std::slice::from_ref(&drone), 9);
        assert_eq!(rest.thrust, Vector::default());
        assert!(!rest.fire);
    }

    #[test]
    fn a_drone_comes_closer_and_backs_off() {
        let drone = ship_at(0, 3.0, 12.0);
        let far = inputs(&drone, &ship_at(1, 16.0, 12.0));
        assert!(far.iter().all(|input| input.thrust.x > 0.0));
        let near = inputs(&drone, &ship_at(1, 5.0, 12.0));
        assert!(near.iter().all(|input| input.thrust.x < 0.0));
    }

    #[test]
    fn a_drone_fires_now_and_then_at_what_it_sees() {
        let drone = ship_at(0, 3.0, 12.0);
        let in_sight = inputs(&drone, &ship_at(1, 10.0, 12.0));
        let shots = in_sight.iter().filter(|input| input.fire).count();
        assert!((1..in_sight.len()).contains(&shots));
        let walled = inputs(&ship_at(0, 14.0, 12.0), &ship_at(1, 20.0, 12.0));
        assert!(
            walled.iter().all(|input| !input.fire),
            "there is a wall between"
        );
    }

    #[test]
    fn what_a_drone_wants_is_what_a_player_may_send() {
        let drone = ship_at(0, 3.0, 12.0);
        for input in inputs(&drone, &ship_at(1, 10.0, 10.0)) {
            assert!(input.thrust.length_squared() <= 1.000_01);
            let aim = input.aim.expect("it has a target");
            assert!((aim.length_squared() - 1.0).abs() < 1e-4);
        }
    }
}
