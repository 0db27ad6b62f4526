//! Identifiers: parsed once at the edge, copied freely after that.

use std::{fmt, sync::Arc};

use uuid::Uuid;

use crate::delivery::Transport;

/// An account.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UserId(pub Uuid);

/// One connection's identity, for as long as it lives.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub Uuid);

impl UserId {
    /// The user that stands for the server itself.
    pub const SYSTEM: Self = Self(Uuid::nil());
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the carrier of a session lives: which network thread, which place in its table.
///
/// The engine only carries it about. A slot is never reused with the same generation, so what is sent
/// to a session that has gone reaches nobody.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Slot {
    /// The network thread.
    pub thread: u8,
    /// How the carrier wants its messages encoded; the carrier's own affair.
    pub encoding: u8,
    /// What the carrier is.
    pub transport: Transport,
    /// The place in the thread's table.
    pub index: u32,
    /// How often that place was taken before.
    pub generation: u32,
}

/// A question from outside the world that waits for one answer, such as an HTTP request.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId(pub u64);

/// Bytes in the longest node name.
pub const NODE_NAME_BYTES_MAX: usize = 16;

/// The name of a server process, part of the ids of what lives on it.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeName {
    bytes: [u8; NODE_NAME_BYTES_MAX],
    length: u8,
}

impl NodeName {
    /// A name of 1 to 16 bytes.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let length = u8::try_from(name.len()).ok()?;
        if name.is_empty() || name.len() > NODE_NAME_BYTES_MAX {
            return None;
        }
        let mut bytes = [0; NODE_NAME_BYTES_MAX];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Some(Self { bytes, length })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A match: `uuid.node` if the server runs it, `uuid.` if its clients do.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MatchId {
    /// What makes it unique.
    pub uuid: Uuid,
    /// The node that runs it, or none for a relayed match.
    pub node: Option<NodeName>,
}

impl MatchId {
    /// The id of a relayed match.
    #[must_use]
    pub const fn relayed(uuid: Uuid) -> Self {
        Self { uuid, node: None }
    }

    /// The id of a match that `node` runs.
    #[must_use]
    pub const fn authoritative(uuid: Uuid, node: NodeName) -> Self {
        Self {
            uuid,
            node: Some(node),
        }
    }

    /// Reads `uuid.node` or `uuid.`, split at the first dot.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (uuid, node) = text.split_once('.')?;
        let uuid = parse_uuid(uuid)?;
        if node.is_empty() {
            return Some(Self::relayed(uuid));
        }
        // A node name that cannot exist still makes a valid id, of a match that is not found.
        let node = NodeName::new(node).unwrap_or(NodeName {
            bytes: [0; NODE_NAME_BYTES_MAX],
            length: 0,
        });
        Some(Self {
            uuid,
            node: Some(node),
        })
    }

    /// Whether `text` is the canonical form.
    pub(crate) fn is_written(&self, text: &str) -> bool {
        let mut uuid = Uuid::encode_buffer();
        let node = text
            .strip_prefix(&*self.uuid.hyphenated().encode_lower(&mut uuid))
            .and_then(|rest| rest.strip_prefix('.'));
        node == Some(self.node.as_ref().map_or("", NodeName::as_str))
    }

    /// Whether the server runs the rules of this match.
    #[must_use]
    pub const fn is_authoritative(&self) -> bool {
        self.node.is_some()
    }
}

impl fmt::Display for MatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node {
            Some(node) => write!(f, "{}.{node}", self.uuid),
            None => write!(f, "{}.", self.uuid),
        }
    }
}

/// A party: `uuid.node`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PartyId {
    /// What makes it unique.
    pub uuid: Uuid,
    /// The node that keeps it.
    pub node: NodeName,
}

impl PartyId {
    /// The party with this UUID on the node with this name. If no node can have that name, it is a valid
    /// id all the same, of a party that is not found.
    #[must_use]
    pub fn new(uuid: Uuid, node: &str) -> Self {
        let node = NodeName::new(node).unwrap_or(NodeName {
            bytes: [0; NODE_NAME_BYTES_MAX],
            length: 0,
        });
        Self { uuid, node }
    }

    /// Reads `uuid.node`, split at the first dot.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (uuid, node) = text.split_once('.')?;
        Some(Self::new(parse_uuid(uuid)?, node))
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.uuid, self.node)
    }
}

/// Reads a UUID in the spellings clients use: plain, without dashes, in braces, after `urn:uuid:`.
#[must_use]
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let text = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    match text.len() {
        32 | 36 => Uuid::try_parse(text).ok(),
        _ => None,
    }
}

/// Who is present: a user through one of their sessions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserPresence {
    /// The account.
    pub user_id: UserId,
    /// The connection.
    pub session_id: SessionId,
    /// The name that the session was opened with.
    pub username: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "06488fd0-1c2b-4a3d-8e4f-0123456789ab";

    #[test]
    fn uuids_are_read_in_every_spelling_clients_use() {
        let expected = Uuid::parse_str(PLAIN).unwrap();
        let dense = PLAIN.replace('-', "");
        for text in [
            PLAIN.to_owned(),
            PLAIN.to_uppercase(),
            dense.clone(),
            format!("{{{PLAIN}}}"),
            format!("{{{dense}}}"),
            format!("urn:uuid:{PLAIN}"),
            format!("urn:uuid:{dense}"),
        ] {
            assert_eq!(parse_uuid(&text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_uuids() {
        for text in [
            "",
            "x",
            "URN:UUID:06488fd01c2b4a3d8e4f0123456789ab",
            "{06488fd01c2b4a3d8e4f0123456789ab",
            &PLAIN[1..],
        ] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }

    #[test]
    fn match_ids_split_at_the_first_dot() {
        let relayed = MatchId::parse(&format!("{PLAIN}.")).unwrap();
        assert!(!relayed.is_authoritative());
        let running = MatchId::parse(&format!("{PLAIN}.a.b")).unwrap();
        assert_eq!(running.node.unwrap().as_str(), "a.b");
        assert_eq!(running.to_string(), format!("{PLAIN}.a.b"));
        assert_eq!(MatchId::parse(PLAIN), None);
        assert_eq!(MatchId::parse("nonsense.node"), None);
    }

    #[test]
    fn only_the_canonical_form_is_how_a_match_id_is_written() {
        for node in ["", "a.b"] {
            let canonical = format!("{PLAIN}.{node}");
            let id = MatchId::parse(&canonical).unwrap();
            assert!(id.is_written(&canonical), "{canonical}");
            for other in [canonical.to_uppercase(), canonical.replace('-', "")] {
                assert_eq!(MatchId::parse(&other).map(|id| id.uuid), Some(id.uuid));
                assert!(!id.is_written(&other), "{other}");
            }
        }
        let unknown = format!("{PLAIN}.{}", "n".repeat(NODE_NAME_BYTES_MAX + 1));
        assert!(!MatchId::parse(&unknown).unwrap().is_written(&unknown));
    }
}
