use tiltyard::{ReadPermission, WritePermission};

use super::*;

/// Ann wins with the top row.
fn ann_wins(stage: &mut Stage, [ann, bob]: [Player; 2], id: MatchId) {
    for (player, cell) in [(ann, 0), (bob, 3), (ann, 1), (bob, 4), (ann, 2)] {
        stage.play(player, id, cell);
    }
}

fn record(stage: &Stage, player: Player) -> Option<String> {
    let id = ObjectId::new("xoxo", "record", player.user);
    let found = stage.objects.get(&id)?;
    assert_eq!(found.read, ReadPermission::Public);
    assert_eq!(found.write, WritePermission::Nobody);
    Some(found.value.clone())
}

#[test]
fn wins_are_counted_over_matches_where_everybody_may_read_them() {
    let (mut stage, players, id) = seated(false);
    ann_wins(&mut stage, players, id);
    stage.run(LONG);
    assert_eq!(record(&stage, players[0]).as_deref(), Some(r#"{"wins":1}"#));
    assert_eq!(record(&stage, players[1]), None);
    let again = stage.find(players[0], "xoxo_create", "{}");
    for player in players {
        assert!(stage.join(player, again));
    }
    stage.lose(players[1]);
    stage.run(LONG);
    let wins = record(&stage, players[0]);
    assert_eq!(wins.as_deref(), Some(r#"{"wins":2}"#), "bob left");
}

#[test]
fn a_win_is_counted_on_top_of_what_another_match_wrote_meanwhile() {
    let (mut stage, players, id) = seated(false);
    let other = ObjectId::new("xoxo", "record", players[0].user);
    stage.write(other.clone(), r#"{"wins":6}"#);
    stage.is_up = false;
    ann_wins(&mut stage, players, id);
    stage.answer(0);
    stage.run(Duration::from_millis(400));
    assert_eq!(stage.asked.len(), 1, "it wants to write one win");
    stage.write(other, r#"{"wins":7}"#);
    stage.is_up = true;
    stage.run(LONG);
    assert_eq!(record(&stage, players[0]).as_deref(), Some(r#"{"wins":8}"#));
}

#[test]
fn a_table_does_not_end_before_its_wins_are_counted_nor_wait_for_ever() {
    let (mut stage, players, id) = seated(false);
    stage.is_up = false;
    ann_wins(&mut stage, players, id);
    for player in players {
        stage.lose(player);
    }
    stage.run(LONG);
    assert!(stage.is_running(id));
    stage.run(Duration::from_secs(60));
    assert!(!stage.is_running(id), "a minute is enough");
}

#[test]
fn a_table_ends_when_its_wins_are_counted() {
    let (mut stage, players, id) = seated(false);
    stage.is_up = false;
    ann_wins(&mut stage, players, id);
    for player in players {
        stage.lose(player);
    }
    stage.run(LONG);
    stage.is_up = true;
    stage.run(Duration::from_secs(1));
    assert!(!stage.is_running(id));
    assert_eq!(record(&stage, players[0]).as_deref(), Some(r#"{"wins":1}"#));
}
