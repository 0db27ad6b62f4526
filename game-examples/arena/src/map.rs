//! The map: a walled field with a few blocks, and where ships appear.

use crate::vector::Vector;

/// Width of the field in metres.
pub const WIDTH_M: f32 = 40.0;

/// Height of the field in metres.
pub const HEIGHT_M: f32 = 24.0;

/// A block, parallel to the axes, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wall {
    /// The corner with the smallest coordinates.
    pub min: Vector,
    /// The corner with the largest coordinates.
    pub max: Vector,
}

/// The blocks, the same turned by half a circle so that no side is better.
pub const WALLS: [Wall; 8] = [
    Wall::new(6.0, 5.0, 12.0, 6.2),
    Wall::new(6.0, 6.2, 7.2, 10.0),
    Wall::new(28.0, 17.8, 34.0, 19.0),
    Wall::new(32.8, 14.0, 34.0, 17.8),
    Wall::new(25.0, 4.5, 32.0, 5.7),
    Wall::new(8.0, 18.3, 15.0, 19.5),
    Wall::new(17.0, 9.4, 18.2, 14.6),
    Wall::new(21.8, 9.4, 23.0, 14.6),
];

/// Where ships may appear.
pub const SPAWN_POINTS: [Vector; 8] = [
    Vector::new(3.0, 3.0),
    Vector::new(37.0, 21.0),
    Vector::new(37.0, 3.0),
    Vector::new(3.0, 21.0),
    Vector::new(20.0, 3.0),
    Vector::new(20.0, 21.0),
    Vector::new(3.0, 12.0),
    Vector::new(37.0, 12.0),
];

impl Wall {
    const fn new(x_min: f32, y_min: f32, x_max: f32, y_max: f32) -> Self {
        Self {
            min: Vector::new(x_min, y_min),
            max: Vector::new(x_max, y_max),
        }
    }

    /// The point of the block that is nearest to `point`.
    fn nearest(self, point: Vector) -> Vector {
        Vector::new(
            point.x.clamp(self.min.x, self.max.x),
            point.y.clamp(self.min.y, self.max.y),
        )
    }
}

/// Moves a circle out of everything solid; gives where it ends and what is left of its velocity.
///
/// Velocity into a surface is lost, along it is kept: ships slide along walls.
pub fn push_out(position: Vector, velocity: Vector, radius_m: f32) -> (Vector, Vector) {
    let (mut position, mut velocity) = keep_in_field(position, velocity, radius_m);
    for wall in WALLS {
        let away = position - wall.nearest(position);
        let distance_squared = away.length_squared();
        if distance_squared >= radius_m * radius_m {
            continue;
        }
        let Some(normal) = away.normalised() else {
            // Deeper than its centre: unreachable at the speeds of this game, so any way out will do.
            position.y = wall.min.y - radius_m;
            continue;
        };
        position += normal * (radius_m - distance_squared.sqrt());
        velocity = velocity - normal * velocity.dot(normal).min(0.0);
    }
    (position, velocity)
}

/// Whether a point is inside a block or outside the field.
pub fn is_solid(point: Vector) -> bool {
    let in_field = (0.0..=WIDTH_M).contains(&point.x) && (0.0..=HEIGHT_M).contains(&point.y);
    !in_field || WALLS.iter().any(|wall| wall.nearest(point) == point)
}

fn keep_in_field(position: Vector, velocity: Vector, radius_m: f32) -> (Vector, Vector) {
    let kept = Vector::new(
        position.x.clamp(radius_m, WIDTH_M - radius_m),
        position.y.clamp(radius_m, HEIGHT_M - radius_m),
    );
    let velocity = Vector::new(
        if kept.x == position.x {
            velocity.x
        } else {
            0.0
        },
        if kept.y == position.y {
            velocity.y
        } else {
            0.0
        },
    );
    (kept, velocity)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RADIUS_M: f32 = 0.6;

    #[test]
    fn the_map_is_the_same_turned_by_half_a_circle() {
        let turned = |point: Vector| Vector::new(WIDTH_M - point.x, HEIGHT_M - point.y);
        for wall in WALLS {
            let twin = Wall {
                min: turned(wall.max),
                max: turned(wall.min),
            };
            let near = |a: Vector, b: Vector| (a - b).length_squared() < 1e-6;
            assert!(
                WALLS
                    .iter()
                    .any(|wall| near(wall.min, twin.min) && near(wall.max, twin.max)),
                "{wall:?} has no twin"
            );
        }
    }

    #[test]
    fn ships_appear_where_nothing_is_solid() {
        for point in SPAWN_POINTS {
            assert_eq!(push_out(point, Vector::default(), RADIUS_M).0, point);
        }
    }

    #[test]
    fn a_circle_over_the_edge_is_put_back_and_stops() {
        let (position, velocity) =
            push_out(Vector::new(-3.0, 12.0), Vector::new(-5.0, 2.0), RADIUS_M);
        assert_eq!(position, Vector::new(RADIUS_M, 12.0));
        assert_eq!(velocity, Vector::new(0.0, 2.0), "it slides along the edge");
    }

    #[test]
    fn a_circle_in_a_wall_is_pushed_out_and_slides() {
        let from_above = Vector::new(9.0, 4.7);
        let (position, velocity) = push_out(from_above, Vector::new(3.0, 4.0), RADIUS_M);
        assert!((position.y - (5.0 - RADIUS_M)).abs() < 1e-5);
        let lost = velocity - Vector::new(3.0, 0.0);
        assert!(lost.length_squared() < 1e-9, "{velocity:?}");
    }

    #[test]
    fn walls_and_the_outside_are_solid() {
        assert!(is_solid(Vector::new(17.5, 12.0)));
        assert!(is_solid(Vector::new(-0.1, 12.0)));
        assert!(!is_solid(Vector::new(20.0, 12.0)));
    }
}
