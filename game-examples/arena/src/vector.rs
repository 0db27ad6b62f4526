//! Two-dimensional vectors, in metres unless a name says otherwise.

use std::ops::{Add, AddAssign, Mul, Sub};

/// A point or a direction. `x` grows to the right, `y` downwards, as on a canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vector {
    /// To the right.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

impl Vector {
    /// A vector from its parts.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The square of the length, which needs no root.
    pub fn length_squared(self) -> f32 {
        self.x * self.x + self.y * self.y
    }

    /// The same direction with length 1; `None` for vectors too short to have a direction.
    ///
    /// Square roots are exact on every platform, sines are not: replays depend on it.
    pub fn normalised(self) -> Option<Self> {
        let length = self.length_squared().sqrt();
        (length > 1e-6).then(|| self * (1.0 / length))
    }

    /// The vector, shortened to length 1 if it is longer.
    pub fn at_most_one(self) -> Self {
        if self.length_squared() > 1.0 {
            self.normalised().unwrap_or_default()
        } else {
            self
        }
    }

    /// The dot product.
    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }
}

impl Add for Vector {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl AddAssign for Vector {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Vector {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Vector {
    type Output = Self;

    fn mul(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normalised_vector_has_length_one() {
        let unit = Vector::new(3.0, 4.0).normalised();
        assert_eq!(unit, Some(Vector::new(0.6, 0.8)));
    }

    #[test]
    fn a_zero_vector_has_no_direction() {
        assert_eq!(Vector::default().normalised(), None);
    }

    #[test]
    fn only_long_vectors_are_shortened() {
        assert_eq!(Vector::new(0.5, 0.0).at_most_one(), Vector::new(0.5, 0.0));
        assert_eq!(Vector::new(9.0, 0.0).at_most_one(), Vector::new(1.0, 0.0));
    }
}
