//! Matches and their members, without a socket in sight.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tiltyard_proto::{
    decode_protobuf, match_data,
    match_data::{MatchDataParts, PresenceParts},
    realtime::{self as wire, Envelope, envelope::Message, match_join},
    write_protobuf,
};

use super::wire as frames;

/// Whom echoes are from; as long as anybody.
const SENDER: PresenceParts<'_> = PresenceParts {
    user_id: "00000000-0000-4000-8000-000000000000",
    session_id: "00000000-0000-4000-8000-000000000000",
    username: "floor-1",
};
/// The op code of a snapshot.
const SNAPSHOT: i64 = 2;

/// Everybody and everything.
#[derive(Default)]
pub(super) struct Arena {
    clients: HashMap<usize, Client>,
    matches: Vec<Match>,
    users: u64,
}

#[derive(Default)]
struct Client {
    input: Vec<u8>,
    is_socket: bool,
    game: Option<usize>,
}

struct Match {
    members: Vec<usize>,
    pending: Vec<u8>,
    /// Frames of an echo match, one after the other.
    echoes: Vec<u8>,
    aggregate: bool,
    period: Duration,
    due: Instant,
    tick: u64,
}

impl Arena {
    /// Somebody has connected.
    pub(super) fn open(&mut self, client: usize) {
        self.clients.insert(client, Client::default());
    }

    /// Somebody has gone.
    pub(super) fn close(&mut self, client: usize) {
        if let Some(game) = self.clients.remove(&client).and_then(|gone| gone.game) {
            self.matches[game]
                .members
                .retain(|member| *member != client);
        }
    }

    /// Takes what a client sent; returns what it is answered, or nothing if it has said goodbye.
    pub(super) fn receive(&mut self, client: usize, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut answer = Vec::new();
        let mut input = std::mem::take(&mut self.clients.get_mut(&client)?.input);
        input.extend_from_slice(bytes);
        let mut taken = 0;
        loop {
            let rest = &mut input[taken..];
            if !self.clients.get(&client)?.is_socket {
                let Some(request) = frames::request(rest) else {
                    break;
                };
                taken += request.bytes;
                answer.extend(self.serve(client, &request));
                continue;
            }
            let Some(frame) = frames::frame(rest) else {
                break;
            };
            let payload = &input[taken..][frame.payload.clone()];
            taken += frame.payload.end;
            match frame.opcode {
                0x2 => self.envelope(client, payload, &mut answer),
                0x8 => return None,
                _ => {}
            }
        }
        input.drain(..taken);
        self.clients.get_mut(&client)?.input = input;
        Some(answer)
    }

    fn serve(&mut self, client: usize, request: &frames::Request) -> Vec<u8> {
        if let Some(key) = &request.key {
            self.clients.entry(client).or_default().is_socket = true;
            return frames::switch(key);
        }
        if request.line.starts_with("POST") {
            self.users += 1;
            return frames::session(self.users);
        }
        frames::answer("404 Not Found", "{}")
    }

    fn envelope(&mut self, client: usize, payload: &[u8], answer: &mut Vec<u8>) {
        if let Some((op_code, data)) = match_data_of(payload) {
            self.data(client, op_code, data);
            return;
        }
        let Ok(envelope) = decode_protobuf(payload) else {
            return;
        };
        let reply = match envelope.message {
            Some(Message::Rpc(rpc)) => self.create(&rpc.payload),
            Some(Message::MatchJoin(join)) => self.join(client, join),
            _ => None,
        };
        let mut bytes = Vec::new();
        write_protobuf(
            &Envelope {
                cid: envelope.cid,
                message: reply,
            },
            &mut bytes,
        );
        frames::write_head(bytes.len(), answer);
        answer.extend(bytes);
    }

    fn data(&mut self, client: usize, op_code: i64, data: &[u8]) {
        let Some(game) = self.clients.get(&client).and_then(|client| client.game) else {
            return;
        };
        let game_id = id_of(game);
        let game = &mut self.matches[game];
        if game.aggregate {
            game.pending.extend_from_slice(data);
        } else {
            write_data(&game_id, Some(SENDER), op_code, data, &mut game.echoes);
        }
    }

    fn create(&mut self, payload: &str) -> Option<Message> {
        let asked: Value = serde_json::from_str(payload).ok()?;
        let rate = u32::try_from(asked["tick_rate"].as_u64()?).ok()?;
        let count = usize::try_from(asked["count"].as_u64()?).ok()?;
        let period = Duration::from_secs(1) / rate;
        let now = Instant::now();
        let first = self.matches.len();
        for number in 0..count {
            let phase = period.mul_f64(number as f64 / count as f64);
            self.matches.push(Match {
                members: Vec::new(),
                pending: Vec::new(),
                echoes: Vec::new(),
                aggregate: asked["mode"] == "aggregate",
                period,
                due: now + phase,
                tick: 0,
            });
        }
        let ids: Vec<String> = (first..first + count).map(id_of).collect();
        let payload = json!({ "count": count, "match_ids": ids }).to_string();
        Some(Message::Rpc(tiltyard_proto::api::Rpc {
            payload,
            ..Default::default()
        }))
    }

    fn join(&mut self, client: usize, join: wire::MatchJoin) -> Option<Message> {
        let match_join::Id::MatchId(match_id) = join.id? else {
            return None;
        };
        let game = usize::from_str_radix(match_id.get(..8)?, 16).ok()?;
        self.matches.get_mut(game)?.members.push(client);
        self.clients.get_mut(&client)?.game = Some(game);
        Some(Message::Match(wire::Match {
            match_id,
            authoritative: true,
            ..Default::default()
        }))
    }

    /// When the next match is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let busy = self.matches.iter().filter(|game| !game.members.is_empty());
        busy.map(|game| game.due).min()
    }

    /// Ticks what is due: `write` is given each member and what it is to have.
    pub(super) fn tick(&mut self, now: Instant, mut write: impl FnMut(usize, &[u8])) {
        for (id, game) in self.matches.iter_mut().enumerate() {
            if game.due > now {
                continue;
            }
            while game.due <= now {
                game.due += game.period;
            }
            if game.members.is_empty() {
                continue;
            }
            if game.aggregate {
                let mut data = game.tick.to_le_bytes().to_vec();
                data.append(&mut game.pending);
                write_data(&id_of(id), None, SNAPSHOT, &data, &mut game.echoes);
            }
            game.tick += 1;
            if game.echoes.is_empty() {
                continue;
            }
            for member in &game.members {
                write(*member, &game.echoes);
            }
            game.echoes.clear();
        }
    }
}

/// As long as the id of a match is.
fn id_of(game: usize) -> String {
    format!("{game:08x}-0000-4000-8000-000000000000.floor")
}

fn write_data(
    match_id: &str,
    presence: Option<PresenceParts<'_>>,
    op_code: i64,
    data: &[u8],
    out: &mut Vec<u8>,
) {
    let parts = MatchDataParts {
        match_id,
        presence,
        op_code,
        data,
        reliable: true,
    };
    let mut bytes = Vec::with_capacity(data.len() + 64);
    match_data::write_protobuf(&parts, &mut bytes);
    frames::write_head(bytes.len(), out);
    out.extend_from_slice(&bytes);
}

/// Op code and data, if this is what clients send most.
fn match_data_of(payload: &[u8]) -> Option<(i64, &[u8])> {
    let sent = match_data::read_protobuf(payload)?;
    Some((sent.op_code, sent.data))
}
