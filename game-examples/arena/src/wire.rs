//! What goes over the wire: op codes, JSON for what is rare, bytes for what comes every tick.

use serde::Serialize;

use crate::{
    field::{Field, PLAYERS_MAX, SCORE_TO_WIN},
    map,
    ship::{RADIUS_M, Ship, TICK_RATE},
    vector::Vector,
};

/// Client to server, once a tick: steering, and the last inputs before it in case they were lost. One
/// to four times 21 bytes, oldest first, see [`crate::input::Input::from_message`].
/// Anything else is dropped without an answer: the next input is a tick away.
///
/// Sent as `reliable = false` it may travel in a datagram.
pub const OP_INPUT: i64 = 1;

/// Server to everybody, once a tick: where everything is. See [`state_message`].
///
/// It may travel in a datagram, be lost, and be overtaken by a newer one; a receiver drops what is
/// older than what it has. A state with kills is sent reliably, since no other tells of them.
pub const OP_STATE: i64 = 10;

/// Server to everybody when somebody comes or goes: who is in which slot, as JSON.
/// `{"players":[{"slot":0,"session_id":"…","user_id":"…","username":"ann","transport":"websocket"}]}`,
/// where `transport` is `websocket`, `quic` or `webtransport`; drones have no ids and no transport.
pub const OP_ROSTER: i64 = 11;

/// Server to one newcomer: the map, as JSON.
/// `{"slot":0,"tick_rate":30,"score_to_win":10,"width":40,"height":24,"radius":0.6,"walls":[[x,y,width,height]]}`,
/// lengths in metres.
pub const OP_WELCOME: i64 = 12;

/// Bytes before the first ship.
pub const HEADER_BYTES: usize = 12;

/// Bytes of a ship.
pub const SHIP_BYTES: usize = 18;

/// Bytes of a bullet.
pub const BULLET_BYTES: usize = 7;

/// Bytes of a kill.
pub const KILL_BYTES: usize = 2;

/// The slot that stands for nobody.
pub const NO_SLOT: u8 = 255;

/// The payload of [`OP_STATE`], little-endian.
///
/// | Bytes | Type | Header |
/// | --- | --- | --- |
/// | 0 | `u32` | tick of the match |
/// | 4 | `u8` | 0 while a round is fought, 1 in the pause after it |
/// | 5 | `u8` | slot of the winner in a pause, else 255 |
/// | 6 | `u16` | ticks left of the pause |
/// | 8 | `u8` | number of ships |
/// | 9 | `u8` | number of bullets |
/// | 10 | `u8` | number of kills in this tick |
/// | 11 | `u8` | 0 |
///
/// | Bytes | Type | Each ship |
/// | --- | --- | --- |
/// | 0 | `u8` | slot |
/// | 1 | `u8` | bit 0 alive, bit 1 shielded |
/// | 2, 4 | `u16` | x and y in millimetres |
/// | 6, 8 | `i16` | velocity in millimetres a second |
/// | 10, 11 | `i8` | aim, in 127ths |
/// | 12 | `u8` | health, 0 to 100 |
/// | 13 | `u8` | ticks until it comes back, 0 while alive |
/// | 14 | `u16` | score |
/// | 16 | `u16` | low half of the sequence number of the last input used |
///
/// Then each bullet: `u16` id, `u8` slot of its owner, `u16` x and y in millimetres; then each
/// kill: `u8` slot of who fired, `u8` slot of who was shot down.
pub fn state_message(field: &Field, tick: u64) -> Vec<u8> {
    let (ships, bullets, kills) = (field.ships(), field.bullets(), field.kills());
    let mut out = Vec::with_capacity(
        HEADER_BYTES
            + ships.len() * SHIP_BYTES
            + bullets.len() * BULLET_BYTES
            + kills.len() * KILL_BYTES,
    );
    let (is_pause, winner, ticks_left) = field
        .pause()
        .map_or((0, NO_SLOT, 0), |pause| (1, pause.winner, pause.ticks_left));
    out.extend(tick.to_le_bytes()[..4].iter());
    out.extend([is_pause, winner]);
    out.extend(ticks_left.to_le_bytes());
    out.extend([count(ships), count(bullets), count(kills), 0]);
    for ship in ships {
        put_ship(&mut out, ship);
    }
    for bullet in bullets.iter().take(COUNT_MAX) {
        out.extend(bullet.id.to_le_bytes());
        out.push(bullet.owner);
        put_place(&mut out, bullet.position);
    }
    for kill in kills.iter().take(COUNT_MAX) {
        out.extend([kill.by, kill.of]);
    }
    out
}

/// A player as [`OP_ROSTER`] tells it.
#[derive(Clone, Debug, Serialize)]
pub struct RosterEntry {
    /// Seat number.
    pub slot: u8,
    /// The connection that plays.
    pub session_id: String,
    /// The account behind it.
    pub user_id: String,
    /// The name to show.
    pub username: String,
    /// What the connection is; empty for drones.
    pub transport: String,
}

impl RosterEntry {
    /// A ship that nobody flies: it has neither session nor account.
    pub fn drone() -> Self {
        Self {
            slot: NO_SLOT,
            session_id: String::new(),
            user_id: String::new(),
            username: "Drone".into(),
            transport: String::new(),
        }
    }

    /// Whether nobody flies it.
    pub fn is_drone(&self) -> bool {
        self.session_id.is_empty()
    }
}

/// The payload of [`OP_ROSTER`].
///
/// # Errors
///
/// None that a roster can cause: its fields are text and numbers.
pub fn roster_message(players: &[RosterEntry]) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Roster<'a> {
        players: &'a [RosterEntry],
    }
    serde_json::to_vec(&Roster { players })
}

/// The payload of [`OP_WELCOME`].
pub fn welcome_message(slot: u8) -> String {
    let walls: Vec<[f32; 4]> = map::WALLS
        .iter()
        .map(|wall| {
            let size = wall.max - wall.min;
            [wall.min.x, wall.min.y, size.x, size.y]
        })
        .collect();
    serde_json::json!({
        "slot": slot,
        "tick_rate": TICK_RATE,
        "score_to_win": SCORE_TO_WIN,
        "width": map::WIDTH_M,
        "height": map::HEIGHT_M,
        "radius": RADIUS_M,
        "walls": walls,
    })
    .to_string()
}

/// Most things of a kind in one message. 16 ships with six bullets each in the air stay far below.
const COUNT_MAX: usize = 255;
const _: () = assert!(PLAYERS_MAX * 6 <= COUNT_MAX);

fn count<T>(things: &[T]) -> u8 {
    u8::try_from(things.len()).unwrap_or(u8::MAX)
}

fn put_ship(out: &mut Vec<u8>, ship: &Ship) {
    let flags = u8::from(ship.is_alive()) | u8::from(ship.is_shielded()) << 1;
    out.extend([ship.slot, flags]);
    put_place(out, ship.position);
    out.extend(to_i16(ship.velocity.x * 1000.0).to_le_bytes());
    out.extend(to_i16(ship.velocity.y * 1000.0).to_le_bytes());
    out.extend(to_i8(ship.aim.x * 127.0).to_le_bytes());
    out.extend(to_i8(ship.aim.y * 127.0).to_le_bytes());
    out.push(ship.health);
    out.push(u8::try_from(ship.respawn_ticks()).unwrap_or(u8::MAX));
    out.extend(ship.score.to_le_bytes());
    out.extend(ship.inputs.acknowledged().to_le_bytes()[..2].iter());
}

fn put_place(out: &mut Vec<u8>, place: Vector) {
    out.extend(to_u16(place.x * 1000.0).to_le_bytes());
    out.extend(to_u16(place.y * 1000.0).to_le_bytes());
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, and the field is 40 000 millimetres wide"
)]
fn to_u16(number: f32) -> u16 {
    number.round() as u16
}

#[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
fn to_i16(number: f32) -> i16 {
    number.round() as i16
}

#[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
fn to_i8(number: f32) -> i8 {
    number.round() as i8
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;
    use crate::input::Input;

    #[test]
    fn an_empty_field_is_a_header() {
        let message = state_message(&Field::default(), 0x0102_0304);
        assert_eq!(message, [4, 3, 2, 1, 0, 255, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_ship_and_a_bullet_are_written_as_documented() {
        let mut field = Field::default();
        field.add_ship();
        let mut random = SmallRng::seed_from_u64(1);
        field.step(&mut random);
        let fire = Input {
            sequence: 0x0001_0203,
            thrust: Vector::default(),
            aim: Some(Vector::new(0.0, -1.0)),
            fire: true,
        };
        field.steer(0, fire);
        field.step(&mut random);

        let message = state_message(&field, 2);
        assert_eq!(message.len(), HEADER_BYTES + SHIP_BYTES + BULLET_BYTES);
        assert_eq!(message[8..11], [1, 1, 0], "one ship, one bullet, no kill");
        let ship = &message[HEADER_BYTES..HEADER_BYTES + SHIP_BYTES];
        assert_eq!(
            ship[..2],
            [0, 1],
            "slot 0, alive, its shield gone with the shot"
        );
        let x_mm = u16::from_le_bytes([ship[2], ship[3]]);
        assert_eq!(f32::from(x_mm), field.ships()[0].position.x * 1000.0);
        assert_eq!(ship[10..12], [0, 0x81], "aim: 0 and -127");
        assert_eq!(ship[12..18], [100, 0, 0, 0, 0x03, 0x02]);
    }

    #[test]
    fn a_full_field_fits_one_datagram() {
        let bytes = HEADER_BYTES + PLAYERS_MAX * (SHIP_BYTES + 6 * BULLET_BYTES) + 8 * KILL_BYTES;
        // Flags, a handle, a sequence number and an op code come before it.
        assert!(1 + 5 + 2 + 1 + bytes <= 1100, "{bytes} bytes");
    }

    #[test]
    fn the_roster_says_who_is_connected_over_what() {
        let ann = RosterEntry {
            slot: 2,
            session_id: "s".into(),
            user_id: "u".into(),
            username: "ann".into(),
            transport: "webtransport".into(),
        };
        let message = roster_message(&[ann, RosterEntry::drone()]).expect("it is written");
        let message: serde_json::Value = serde_json::from_slice(&message).expect("it is JSON");
        assert_eq!(message["players"][0]["transport"], "webtransport");
        assert_eq!(message["players"][1]["transport"], "");
    }

    #[test]
    fn the_welcome_has_the_map_in_metres() {
        let message: serde_json::Value =
            serde_json::from_str(&welcome_message(3)).expect("it is JSON");
        assert_eq!(message["slot"], 3);
        assert_eq!(
            message["walls"].as_array().map(Vec::len),
            Some(map::WALLS.len())
        );
    }
}
