//! Who may connect, and as whom; the same for every carrier.

use std::{net::IpAddr, sync::Arc};

use sha1::{Digest, Sha1};
use tiltyard::{NodeName, Opening, SessionId, Slot, Transport, UserId};
use uuid::Uuid;

use crate::{
    auth::{Clock, SessionClaims, Sessions, TokenError},
    capacity::Capacity,
    rate::AddressRate,
};

/// What handshakes need to know.
#[derive(Clone)]
pub(crate) struct Admission {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) proxy_count: usize,
    /// Where new sockets have come from of late.
    pub(crate) arrivals: Arc<AddressRate>,
    pub(crate) capacity: Arc<Capacity>,
    /// The last six bytes of every session id of this node.
    pub(crate) node_part: [u8; 6],
}

/// What a client says of itself besides its token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes<'a> {
    pub(crate) online: bool,
    pub(crate) lang: &'a str,
}

impl Admission {
    /// The part of session ids that names the node: the first bytes of the SHA-1 of its name.
    pub(crate) fn node_part(node: NodeName) -> [u8; 6] {
        let digest = Sha1::digest(node.as_str().as_bytes());
        let mut part = [0; 6];
        part.copy_from_slice(&digest[..6]);
        part
    }

    /// What a session token says, if it is good.
    pub(crate) fn verify(&self, token: &str) -> Result<SessionClaims, TokenError> {
        self.sessions.verify_session(token, self.clock.now())
    }

    /// What the world is told of a new client. The thread that serves it gives it its place.
    pub(crate) fn opening(
        &self,
        claims: SessionClaims,
        wishes: Wishes<'_>,
        client: IpAddr,
        client_port: u16,
    ) -> Opening {
        let lang = if wishes.lang.is_empty() {
            "en"
        } else {
            wishes.lang
        };
        Opening {
            slot: Slot {
                thread: 0,
                encoding: 0,
                transport: Transport::WebSocket,
                index: 0,
                generation: 0,
            },
            session_id: SessionId(Uuid::now_v1(&self.node_part)),
            user_id: UserId(claims.user_id),
            username: claims.username.into(),
            vars: Arc::new(claims.vars),
            expires: claims.expires_at,
            lang: lang.into(),
            client_ip: client.to_canonical().to_string().into(),
            client_port,
            online: wishes.online,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_end_in_the_part_of_their_node() {
        let part = Admission::node_part(NodeName::new("nakama1").unwrap());
        assert_eq!(part, [0x71, 0x06, 0xfd, 0xcb, 0x5b, 0x46]);
        assert!(Uuid::now_v1(&part).to_string().ends_with("7106fdcb5b46"));
    }
}
