//! A bullet: flies straight until it meets a wall, a ship or its end.

use crate::{
    map,
    ship::{RADIUS_M, Ship, TICK_S},
    vector::Vector,
};

/// Speed of a bullet.
pub const SPEED_MPS: f32 = 24.0;

/// Health that a hit takes.
pub const DAMAGE: u8 = 20;

/// Ticks that a bullet flies: 1.2 seconds, 29 metres.
const FLIGHT_TICKS: u16 = 36;

/// Metres in a tick. Less than the thinnest wall, so that looking at where a bullet ends is enough.
const STEP_M: f32 = SPEED_MPS * TICK_S;
const _: () = assert!(STEP_M < 1.2);

/// A shot on its way.
#[derive(Clone, Debug)]
pub struct Bullet {
    /// Number of the shot; wraps around.
    pub id: u16,
    /// Slot of the ship that fired it.
    pub owner: u8,
    /// Where it is.
    pub position: Vector,
    direction: Vector,
    ticks_left: u16,
}

impl Bullet {
    /// A bullet at the muzzle of a ship.
    pub fn fired_by(ship: &Ship, id: u16) -> Self {
        Self {
            id,
            owner: ship.slot,
            position: ship.position + ship.aim * RADIUS_M,
            direction: ship.aim,
            ticks_left: FLIGHT_TICKS,
        }
    }

    /// Flies for one tick and says what it met on the way.
    pub fn step(&mut self, ships: &[Ship]) -> Flight {
        let from = self.position;
        self.position += self.direction * STEP_M;
        if let Some(struck) = self.first_struck(from, ships) {
            return Flight::Struck(struck);
        }
        self.ticks_left = self.ticks_left.saturating_sub(1);
        if self.ticks_left == 0 || map::is_solid(self.position) {
            return Flight::Over;
        }
        Flight::Goes
    }

    /// Index of the nearest ship on the way from `from` to here, other than the owner's.
    fn first_struck(&self, from: Vector, ships: &[Ship]) -> Option<usize> {
        ships
            .iter()
            .enumerate()
            .filter(|(_, ship)| ship.is_alive() && ship.slot != self.owner)
            .filter_map(|(index, ship)| {
                let along_m = (ship.position - from)
                    .dot(self.direction)
                    .clamp(0.0, STEP_M);
                let nearest = from + self.direction * along_m;
                let is_hit = (ship.position - nearest).length_squared() < RADIUS_M * RADIUS_M;
                is_hit.then_some((index, along_m))
            })
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(index, _)| index)
    }
}

/// What became of a bullet in a tick.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flight {
    /// It flies on.
    Goes,
    /// It met a wall or its end.
    Over,
    /// It struck the ship with this index.
    Struck(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ship_at(slot: u8, x: f32, y: f32) -> Ship {
        let mut ship = Ship::new(slot);
        ship.appear(Vector::new(x, y));
        ship.aim = Vector::new(1.0, 0.0);
        ship
    }

    /// Where the flight of a bullet fired to the right from (2, 2) ends, and after how many ticks.
    fn fly(ships: &[Ship]) -> (Flight, u16) {
        let mut bullet = Bullet::fired_by(&ship_at(0, 2.0, 2.0), 0);
        for tick in 1.. {
            let flight = bullet.step(ships);
            if flight != Flight::Goes {
                return (flight, tick);
            }
        }
        unreachable!("a flight ends")
    }

    #[test]
    fn a_bullet_strikes_the_nearest_ship_in_its_way() {
        let ships = [
            ship_at(1, 9.0, 2.0),
            ship_at(2, 6.0, 2.5),
            ship_at(3, 4.0, 4.0),
        ];
        assert_eq!(fly(&ships).0, Flight::Struck(1));
    }

    #[test]
    fn a_bullet_does_not_strike_its_own_ship() {
        let ships = [ship_at(0, 3.0, 2.0)];
        assert_eq!(fly(&ships).0, Flight::Over);
    }

    #[test]
    fn a_bullet_flies_over_ships_that_are_not_there() {
        let ships = [Ship::new(1)];
        assert_eq!(fly(&ships), (Flight::Over, FLIGHT_TICKS));
    }

    #[test]
    fn a_wall_stops_a_bullet() {
        let mut bullet = Bullet::fired_by(&ship_at(0, 3.0, 5.6), 0);
        let target = [ship_at(1, 14.0, 5.6)];
        let ticks = (1..).find(|_| bullet.step(&target) != Flight::Goes);
        assert!(bullet.position.x < 12.0, "the target is behind a wall");
        assert!(ticks < Some(FLIGHT_TICKS));
    }
}
