//! Where the matchmaker's players go.
//!
//! A server has one hook for all of its games, so tickets say which game they are for: by the string
//! property `game`, and by asking for it in their query, `+properties.game:words`.

use tiltyard::{MatchId, MatchedEntry, prelude::*};

/// Opens a match of the game for which everybody came. Players of a game that is not here, or not of the
/// same one, get a token for a relayed match.
pub(crate) fn open_match(
    In(players): In<Vec<MatchedEntry>>,
    mut directory: MatchDirectory,
) -> Option<MatchId> {
    let opened = match game_of(&players)? {
        "arena" => arena::open_for(&mut directory, &players),
        "words" => words::open_for(&mut directory, &players),
        _ => return None,
    };
    // A server that stops or is full refuses, and so does a table with too few seats; a relayed match costs it next to nothing.
    opened.ok()
}

/// The game that all of them name.
fn game_of(players: &[MatchedEntry]) -> Option<&str> {
    let mut games = players
        .iter()
        .map(|player| player.string_properties.get("game").map(String::as_str));
    let first = games.next()??;
    games.all(|game| game == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(game: Option<&str>) -> MatchedEntry {
        let presence = UserPresence {
            user_id: UserId::SYSTEM,
            session_id: SessionId(Default::default()),
            username: "ann".into(),
        };
        MatchedEntry {
            presence,
            party_id: None,
            string_properties: game
                .map(|game| ("game".into(), game.into()))
                .into_iter()
                .collect(),
            numeric_properties: Default::default(),
        }
    }

    #[test]
    fn players_go_where_all_of_them_want_to() {
        let game = |games: &[Option<&str>]| {
            let players: Vec<_> = games.iter().map(|game| player(*game)).collect();
            game_of(&players).map(str::to_owned)
        };
        assert_eq!(
            game(&[Some("words"), Some("words")]).as_deref(),
            Some("words")
        );
        assert_eq!(game(&[Some("words"), Some("arena")]), None);
        assert_eq!(game(&[Some("words"), None]), None);
        assert_eq!(game(&[]), None);
    }
}
