//! A network for tests: what is sent may be lost, come twice, or be overtaken.

use rand::{RngExt, SeedableRng, rngs::SmallRng};

/// How bad it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Share of what is lost.
    pub(crate) loss: f64,
    /// Share of what comes twice.
    pub(crate) copies: f64,
    /// Ticks on the way: at least none, and at most these.
    pub(crate) delay_max: u32,
}

impl Weather {
    /// One in six is lost, one in six comes twice, and whatever comes is up to three ticks late.
    pub(crate) const BAD: Self = Self {
        loss: 1.0 / 6.0,
        copies: 1.0 / 6.0,
        delay_max: 3,
    };

    /// Everything arrives at once.
    pub(crate) const FINE: Self = Self {
        loss: 0.0,
        copies: 0.0,
        delay_max: 0,
    };
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Network<T> {
    pub(crate) weather: Weather,
    random: SmallRng,
    /// When what arrives.
    underway: Vec<(u32, T)>,
}

impl<T: Clone> Network<T> {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            weather,
            random: SmallRng::seed_from_u64(seed),
            underway: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, now: u32, message: T) {
        if self.random.random_bool(self.weather.loss) {
            return;
        }
        let copies = 1 + u32::from(self.random.random_bool(self.weather.copies));
        for _ in 0..copies {
            let delay = self.random.random_range(0..=self.weather.delay_max);
            self.underway.push((now + delay, message.clone()));
        }
    }

    /// What arrives at `now`, in any order.
    pub(crate) fn arriving(&mut self, now: u32) -> Vec<T> {
        let mut arriving: Vec<T> = Vec::new();
        let random = &mut self.random;
        self.underway.retain(|(at, message)| {
            if *at > now {
                return true;
            }
            let place = random.random_range(0..=arriving.len());
            arriving.insert(place, message.clone());
            false
        });
        arriving
    }
}
