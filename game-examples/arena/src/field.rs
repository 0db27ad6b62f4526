//! The field: all ships and bullets, one tick at a time, and rounds of first to ten.

use rand::Rng;

use crate::{
    bullet::{Bullet, DAMAGE, Flight},
    input::Input,
    map::SPAWN_POINTS,
    ship::{Deed, Ship},
    vector::Vector,
};

/// Ships on a field.
pub const PLAYERS_MAX: usize = 16;

/// Ships to shoot down to win a round.
pub const SCORE_TO_WIN: u16 = 10;

/// Ticks between the end of a round and the next one: six seconds.
pub const PAUSE_TICKS: u16 = 180;

/// Places that are looked at for a ship that comes back; the one farthest from enemies is taken.
const SPAWN_TRIES: usize = 3;

/// A round being fought. The same inputs and random numbers make the same field.
#[derive(Clone, Debug, Default)]
pub struct Field {
    ships: Vec<Ship>,
    bullets: Vec<Bullet>,
    kills: Vec<Kill>,
    pause: Option<Pause>,
    next_bullet_id: u16,
}

/// One ship shot down by another, in slots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kill {
    /// Who fired.
    pub by: u8,
    /// Who was shot down.
    pub of: u8,
}

/// The time after a round in which nobody can be hurt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pause {
    /// Slot of the ship that won.
    pub winner: u8,
    /// Ticks until the next round.
    pub ticks_left: u16,
}

impl Field {
    /// Ships in order of arrival.
    pub fn ships(&self) -> &[Ship] {
        &self.ships
    }

    /// Bullets in the order they were fired.
    pub fn bullets(&self) -> &[Bullet] {
        &self.bullets
    }

    /// Who shot down whom in the last tick.
    pub fn kills(&self) -> &[Kill] {
        &self.kills
    }

    /// The pause between two rounds, if there is one now.
    pub fn pause(&self) -> Option<Pause> {
        self.pause
    }

    /// Adds a ship, which appears with the next tick, and gives its slot; `None` if there are
    /// [`PLAYERS_MAX`] already.
    pub fn add_ship(&mut self) -> Option<u8> {
        let slot = (0..PLAYERS_MAX)
            .filter_map(|slot| u8::try_from(slot).ok())
            .find(|&slot| self.ships.iter().all(|ship| ship.slot != slot))?;
        self.ships.push(Ship::new(slot));
        Some(slot)
    }

    /// Removes a ship with its bullets, so that whoever gets the slot next owns none of them.
    pub fn remove_ship(&mut self, slot: u8) {
        self.ships.retain(|ship| ship.slot != slot);
        self.bullets.retain(|bullet| bullet.owner != slot);
    }

    /// Hands an input to a ship.
    pub fn steer(&mut self, slot: u8, input: Input) {
        if let Some(ship) = self.ships.iter_mut().find(|ship| ship.slot == slot) {
            ship.inputs.push(input);
        }
    }

    /// Lets one tick pass.
    pub fn step(&mut self, random: &mut impl Rng) {
        self.kills.clear();
        self.step_pause();
        self.step_ships(random);
        self.step_bullets();
        self.end_round_if_won();
    }

    fn step_pause(&mut self) {
        let Some(pause) = &mut self.pause else {
            return;
        };
        pause.ticks_left = pause.ticks_left.saturating_sub(1);
        if pause.ticks_left > 0 {
            return;
        }
        self.pause = None;
        self.bullets.clear();
        for ship in &mut self.ships {
            ship.score = 0;
            ship.leave_field();
        }
    }

    fn step_ships(&mut self, random: &mut impl Rng) {
        for index in 0..self.ships.len() {
            match self.ships[index].step() {
                Deed::None => {}
                Deed::Fired => self.fire(index),
                Deed::WantsSpawn => {
                    let place = self.spawn_place(self.ships[index].slot, random);
                    self.ships[index].appear(place);
                }
            }
        }
    }

    fn fire(&mut self, index: usize) {
        if self.pause.is_some() {
            return;
        }
        let bullet = Bullet::fired_by(&self.ships[index], self.next_bullet_id);
        self.bullets.push(bullet);
        self.next_bullet_id = self.next_bullet_id.wrapping_add(1);
    }

    fn step_bullets(&mut self) {
        let Self {
            ships,
            bullets,
            kills,
            pause,
            ..
        } = self;
        bullets.retain_mut(|bullet| match bullet.step(ships) {
            Flight::Goes => true,
            Flight::Over => false,
            Flight::Struck(index) => {
                // Nobody is hurt in a pause.
                if pause.is_none() && ships[index].take_hit(DAMAGE) {
                    let of = ships[index].slot;
                    kills.push(Kill {
                        by: bullet.owner,
                        of,
                    });
                    if let Some(by) = ships.iter_mut().find(|ship| ship.slot == bullet.owner) {
                        by.score += 1;
                    }
                }
                false
            }
        });
    }

    fn end_round_if_won(&mut self) {
        let winner = self.ships.iter().find(|ship| ship.score >= SCORE_TO_WIN);
        if let (None, Some(winner)) = (self.pause, winner) {
            self.pause = Some(Pause {
                winner: winner.slot,
                ticks_left: PAUSE_TICKS,
            });
        }
    }

    /// Of a few places drawn by lot, the one whose nearest living enemy is farthest away.
    fn spawn_place(&self, slot: u8, random: &mut impl Rng) -> Vector {
        let danger = |place: Vector| {
            self.ships
                .iter()
                .filter(|ship| ship.is_alive() && ship.slot != slot)
                .map(|ship| (ship.position - place).length_squared())
                .fold(f32::MAX, f32::min)
        };
        (0..SPAWN_TRIES)
            .map(|_| SPAWN_POINTS[random.next_u32() as usize % SPAWN_POINTS.len()])
            .max_by(|&a, &b| danger(a).total_cmp(&danger(b)))
            .unwrap_or(SPAWN_POINTS[0])
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;
    use crate::wire;

    /// A field with ships that have appeared, and the random numbers of this seed.
    struct Stage {
        field: Field,
        random: SmallRng,
        sequence: u32,
    }

    impl Stage {
        fn with_ships(count: usize) -> Self {
            Self::seeded(count, 1)
        }

        fn seeded(count: usize, seed: u64) -> Self {
            let mut stage = Self {
                field: Field::default(),
                random: SmallRng::seed_from_u64(seed),
                sequence: 0,
            };
            (0..count).for_each(|_| assert!(stage.field.add_ship().is_some()));
            stage.step();
            stage
        }

        fn step(&mut self) {
            self.field.step(&mut self.random);
        }

        fn put(&mut self, slot: u8, x: f32, y: f32) {
            let ship = self.field.ships.iter_mut().find(|ship| ship.slot == slot);
            ship.expect("the ship is there").position = Vector::new(x, y);
        }

        /// Every ship in `slots` holds its trigger for a tick, aiming to the right.
        fn fire(&mut self, slots: &[u8]) {
            self.sequence += 1;
            for &slot in slots {
                let input = Input {
                    sequence: self.sequence,
                    thrust: Vector::default(),
                    aim: Some(Vector::new(1.0, 0.0)),
                    fire: true,
                };
                self.field.steer(slot, input);
            }
            self.step();
        }

        /// Ship 0 shoots until ship 1, beside it and without a shield, is down.
        fn shoot_down(&mut self) {
            self.field.ships[0].appear(Vector::new(3.0, 12.0));
            self.field.ships[1].appear(Vector::new(5.0, 12.0));
            self.fire(&[1]);
            while self.field.kills.is_empty() {
                self.fire(&[0]);
            }
        }
    }

    #[test]
    fn ships_appear_one_tick_after_they_are_added() {
        let stage = Stage::with_ships(3);
        assert!(stage.field.ships().iter().all(Ship::is_alive));
    }

    #[test]
    fn a_seventeenth_ship_finds_no_slot_until_one_leaves() {
        let mut stage = Stage::with_ships(PLAYERS_MAX);
        assert_eq!(stage.field.add_ship(), None);
        stage.field.remove_ship(5);
        assert_eq!(stage.field.add_ship(), Some(5));
    }

    #[test]
    fn five_hits_shoot_a_ship_down_and_score() {
        let mut stage = Stage::with_ships(2);
        stage.shoot_down();
        assert_eq!(stage.field.kills(), [Kill { by: 0, of: 1 }]);
        assert_eq!(stage.field.ships()[0].score, 1);
        assert!(!stage.field.ships()[1].is_alive());
    }

    #[test]
    fn a_kill_is_told_for_one_tick() {
        let mut stage = Stage::with_ships(2);
        stage.shoot_down();
        stage.step();
        assert_eq!(stage.field.kills(), []);
    }

    #[test]
    fn bullets_leave_with_their_ship() {
        let mut stage = Stage::with_ships(2);
        stage.put(0, 3.0, 12.0);
        stage.fire(&[0]);
        assert_eq!(stage.field.bullets().len(), 1);
        stage.field.remove_ship(0);
        assert_eq!(stage.field.bullets().len(), 0);
    }

    #[test]
    fn the_tenth_kill_wins_and_after_a_pause_a_new_round_begins() {
        let mut stage = Stage::with_ships(2);
        (0..SCORE_TO_WIN).for_each(|_| stage.shoot_down());
        let pause = stage.field.pause().expect("the round is won");
        assert_eq!(pause.winner, 0);
        (0..PAUSE_TICKS).for_each(|_| stage.step());
        assert_eq!(stage.field.pause(), None);
        assert!(
            stage
                .field
                .ships()
                .iter()
                .all(|ship| ship.score == 0 && ship.is_alive())
        );
    }

    #[test]
    fn nobody_shoots_in_a_pause() {
        let mut stage = Stage::with_ships(2);
        (0..SCORE_TO_WIN).for_each(|_| stage.shoot_down());
        (0..60).for_each(|_| stage.fire(&[0, 1]));
        assert_eq!(stage.field.bullets().len(), 0);
    }

    #[test]
    fn ships_appear_away_from_enemies() {
        let mut stage = Stage::with_ships(2);
        for _ in 0..100 {
            stage.put(0, 3.0, 3.0);
            let place = stage.field.spawn_place(1, &mut stage.random);
            let looked_at_one_place_thrice = place == SPAWN_POINTS[0];
            let far = (place - Vector::new(3.0, 3.0)).length_squared() > 64.0;
            assert!(far || looked_at_one_place_thrice);
        }
    }

    #[test]
    fn the_same_inputs_and_seed_make_the_same_field() {
        let played = |seed| {
            let mut stage = Stage::seeded(8, seed);
            for tick in 0..600_u32 {
                let slots = [(tick % 8) as u8, (tick / 7 % 8) as u8];
                stage.fire(&slots);
            }
            wire::state_message(&stage.field, 600)
        };
        assert_eq!(played(7), played(7));
        assert_ne!(played(7), played(8), "the seed matters");
    }
}
