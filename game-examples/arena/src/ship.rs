//! A ship: how it flies, shoots, is hit and comes back.

use crate::{
    input::{Input, InputQueue},
    map,
    vector::Vector,
};

/// Ticks a second. Speeds below are per second, steps per tick.
pub const TICK_RATE: u8 = 30;

/// Seconds of a tick.
pub const TICK_S: f32 = 1.0 / TICK_RATE as f32;

/// Radius of a ship.
pub const RADIUS_M: f32 = 0.6;

/// Speed that full thrust adds in one tick.
const THRUST_MPS: f32 = 2.25;

/// Share of its speed that a ship keeps each tick. With the thrust it makes a top speed of
/// 2.25 * 0.8 / (1 - 0.8) = 9 m/s, nearly reached after half a second.
const SPEED_KEPT: f32 = 0.8;

/// Health of a fresh ship: five hits.
pub const HEALTH_MAX: u8 = 100;

/// Ticks between two shots: a bit more than four a second.
const RELOAD_TICKS: u16 = 7;

/// Ticks between being shot down and coming back: two seconds.
const RESPAWN_TICKS: u16 = 60;

/// Ticks for which a fresh ship cannot be hit: one and a half seconds.
const SHIELD_TICKS: u16 = 45;

/// One player's ship. It exists, if shot down, until the player leaves.
#[derive(Clone, Debug)]
pub struct Ship {
    /// Seat number of the player, below [`crate::PLAYERS_MAX`].
    pub slot: u8,
    /// Its centre.
    pub position: Vector,
    /// Metres a second.
    pub velocity: Vector,
    /// Direction of its gun, 1 long.
    pub aim: Vector,
    /// 0 while it waits to come back.
    pub health: u8,
    /// Ships shot down.
    pub score: u16,
    /// What its player sent and was not used yet.
    pub inputs: InputQueue,
    reload_ticks: u16,
    respawn_ticks: u16,
    shield_ticks: u16,
}

/// What a ship did in a tick.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deed {
    /// It flew, or waited.
    None,
    /// It fired.
    Fired,
    /// It has waited long enough and needs a place.
    WantsSpawn,
}

impl Ship {
    /// A ship that appears in the next tick.
    pub fn new(slot: u8) -> Self {
        Self {
            slot,
            position: Vector::default(),
            velocity: Vector::default(),
            aim: Vector::new(1.0, 0.0),
            health: 0,
            score: 0,
            inputs: InputQueue::default(),
            reload_ticks: 0,
            respawn_ticks: 0,
            shield_ticks: 0,
        }
    }

    /// Whether it is on the field.
    pub fn is_alive(&self) -> bool {
        self.health > 0
    }

    /// Whether hits do nothing to it.
    pub fn is_shielded(&self) -> bool {
        self.shield_ticks > 0
    }

    /// Ticks until it comes back; 0 while alive.
    pub fn respawn_ticks(&self) -> u16 {
        self.respawn_ticks
    }

    /// Puts it on the field, whole, shielded, and aiming at the middle.
    pub fn appear(&mut self, position: Vector) {
        let middle = Vector::new(map::WIDTH_M / 2.0, map::HEIGHT_M / 2.0);
        self.position = position;
        self.velocity = Vector::default();
        self.aim = (middle - position).normalised().unwrap_or(self.aim);
        self.health = HEALTH_MAX;
        self.respawn_ticks = 0;
        self.reload_ticks = 0;
        self.shield_ticks = SHIELD_TICKS;
    }

    /// Takes it off the field, to appear again with the next tick.
    pub fn leave_field(&mut self) {
        self.health = 0;
        self.respawn_ticks = 0;
    }

    /// Lets one tick pass for it.
    pub fn step(&mut self) -> Deed {
        let input = self.inputs.take();
        if !self.is_alive() {
            self.respawn_ticks = self.respawn_ticks.saturating_sub(1);
            return if self.respawn_ticks == 0 {
                Deed::WantsSpawn
            } else {
                Deed::None
            };
        }
        self.reload_ticks = self.reload_ticks.saturating_sub(1);
        self.shield_ticks = self.shield_ticks.saturating_sub(1);
        self.fly(input);
        if self.reload_ticks > 0 || !input.is_some_and(|input| input.fire) {
            return Deed::None;
        }
        self.reload_ticks = RELOAD_TICKS;
        // Nobody shoots from behind a shield.
        self.shield_ticks = 0;
        Deed::Fired
    }

    /// Takes a hit and says whether it was the last one.
    pub fn take_hit(&mut self, damage: u8) -> bool {
        if !self.is_alive() || self.is_shielded() {
            return false;
        }
        self.health = self.health.saturating_sub(damage);
        if self.is_alive() {
            return false;
        }
        self.respawn_ticks = RESPAWN_TICKS;
        true
    }

    /// One step of flight. Clients run the same to show their own ship without delay.
    fn fly(&mut self, input: Option<Input>) {
        if let Some(aim) = input.and_then(|input| input.aim) {
            self.aim = aim;
        }
        let thrust = input.map_or(Vector::default(), |input| input.thrust);
        self.velocity = (self.velocity + thrust * THRUST_MPS) * SPEED_KEPT;
        let moved = self.position + self.velocity * TICK_S;
        (self.position, self.velocity) = map::push_out(moved, self.velocity, RADIUS_M);
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::SmallRng};

    use super::*;
    use crate::network::{Network, Weather};

    const OPEN_SPOT: Vector = Vector::new(3.0, 12.0);

    fn ship() -> Ship {
        let mut ship = Ship::new(0);
        ship.appear(OPEN_SPOT);
        ship
    }

    fn steer(ship: &mut Ship, sequence: u32, thrust: Vector, fire: bool) -> Deed {
        ship.inputs.push(Input {
            sequence,
            thrust,
            aim: None,
            fire,
        });
        ship.step()
    }

    #[test]
    fn thrust_brings_a_ship_to_its_top_speed_and_not_beyond() {
        let mut ship = ship();
        for sequence in 1..=60 {
            steer(&mut ship, sequence, Vector::new(0.0, -1.0), false);
            assert!(ship.velocity.length_squared() <= 9.0 * 9.0 + 0.01);
        }
    }

    #[test]
    fn a_ship_without_input_comes_to_rest() {
        let mut ship = ship();
        steer(&mut ship, 1, Vector::new(0.0, -1.0), false);
        (0..60).for_each(|_| assert_eq!(ship.step(), Deed::None));
        assert!(ship.velocity.length_squared() < 1e-3);
    }

    #[test]
    fn a_held_trigger_fires_at_the_rate_of_the_gun() {
        let mut ship = ship();
        let shots = (1..=70)
            .filter(|&sequence| steer(&mut ship, sequence, Vector::default(), true) == Deed::Fired)
            .count();
        assert_eq!(shots, 10);
    }

    #[test]
    fn a_fresh_ship_is_shielded_until_it_fires() {
        let mut ship = ship();
        assert!(!ship.take_hit(100));
        assert_eq!(ship.health, HEALTH_MAX);
        assert_eq!(steer(&mut ship, 1, Vector::default(), true), Deed::Fired);
        assert!(ship.take_hit(100), "the shield went with the shot");
    }

    #[test]
    fn a_ship_shot_down_comes_back_after_its_time() {
        let mut ship = ship();
        steer(&mut ship, 1, Vector::default(), true);
        assert!(ship.take_hit(HEALTH_MAX));
        let back_at = (1..=RESPAWN_TICKS).find(|_| ship.step() == Deed::WantsSpawn);
        assert_eq!(back_at, Some(RESPAWN_TICKS));
    }

    /// A player's own ship as a client shows it: the server's word, and on top of it the inputs that
    /// the server had not used then. `assets/play/js/arena/pilot.js` does the same.
    struct Client {
        heard: (u32, Ship),
        pending: Vec<Input>,
    }

    impl Client {
        fn new(ship: &Ship) -> Self {
            Self {
                heard: (0, ship.clone()),
                pending: Vec::new(),
            }
        }

        /// Steers, and gives what to send: this input and the last three before it.
        fn steer(&mut self, sequence: u32, thrust: Vector) -> Vec<Input> {
            self.pending.push(Input {
                sequence,
                thrust,
                aim: None,
                fire: false,
            });
            self.pending[self.pending.len().saturating_sub(4)..].to_vec()
        }

        fn hear(&mut self, tick: u32, ship: Ship) {
            if tick <= self.heard.0 {
                return;
            }
            let used = ship.inputs.acknowledged();
            self.pending.retain(|input| input.sequence > used);
            self.heard = (tick, ship);
        }

        fn shown(&self) -> Ship {
            let mut ship = self.heard.1.clone();
            for input in &self.pending {
                ship.fly(Some(*input));
            }
            ship
        }
    }

    /// A client and its server for `ticks`, in which the thrust changes now and then; after that both
    /// directions work, and the client lets go.
    fn play_through(seed: u64, weather: Weather, ticks: u32) -> (Ship, Client, f32) {
        let mut server = ship();
        let mut client = Client::new(&server);
        let (mut up, mut down) = (Network::new(seed, weather), Network::new(!seed, weather));
        let mut random = SmallRng::seed_from_u64(seed);
        let mut thrust = Vector::default();
        let mut largest_fault: f32 = 0.0;
        for tick in 1..=ticks + 60 {
            if tick > ticks {
                (up.weather, down.weather) = (Weather::FINE, Weather::FINE);
                thrust = Vector::default();
            } else if random.random_bool(0.1) {
                thrust = Vector::new(
                    random.random_range(-1.0..=1.0),
                    random.random_range(-1.0..=1.0),
                );
            }
            up.send(tick, client.steer(tick, thrust.at_most_one()));
            for message in up.arriving(tick) {
                message
                    .into_iter()
                    .for_each(|input| server.inputs.push(input));
            }
            server.step();
            down.send(tick, (tick, server.clone()));
            for (told, ship) in down.arriving(tick) {
                let before = client.shown().position;
                client.hear(told, ship);
                let fault = (client.shown().position - before).length_squared().sqrt();
                largest_fault = largest_fault.max(fault);
            }
        }
        (server, client, largest_fault)
    }

    #[test]
    fn where_nothing_is_lost_a_client_is_never_wrong() {
        for seed in 0..20 {
            let (server, client, largest_fault) = play_through(seed, Weather::FINE, 300);
            assert_eq!(client.shown().position, server.position, "seed {seed}");
            assert!(
                largest_fault < 1e-4,
                "seed {seed}: off by {largest_fault} m"
            );
        }
    }

    #[test]
    fn a_client_finds_back_to_the_server_after_loss_copies_and_disorder() {
        for seed in 0..200 {
            let (server, client, largest_fault) = play_through(seed, Weather::BAD, 300);
            let off = client.shown().position - server.position;
            assert!(off.length_squared() < 1e-6, "seed {seed}: {off:?} apart");
            // A tick at full speed is 0.3 m; a few of them steered otherwise are no jump.
            assert!(largest_fault < 3.0, "seed {seed}: off by {largest_fault} m");
        }
    }

    #[test]
    fn a_ship_that_waits_neither_flies_nor_fires_nor_is_hit() {
        let mut ship = Ship::new(0);
        ship.respawn_ticks = 10;
        assert_eq!(steer(&mut ship, 1, Vector::new(1.0, 0.0), true), Deed::None);
        assert_eq!(ship.position, Vector::default());
        assert!(!ship.take_hit(1));
    }
}
