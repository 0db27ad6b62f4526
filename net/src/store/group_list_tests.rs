use std::cmp::Reverse;

use jiff::Timestamp;
use uuid::Uuid;

use super::database::sql;
use super::group::folded;
use super::group_tests::make_user;
use super::harness::on_each_database;
use super::*;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

const TAGS: [&str; 3] = ["de", "en", "fr"];

/// Groups with many ties, and whether they are disabled.
async fn make_groups(store: &Store, dice: &mut Dice) -> Vec<(Group, bool)> {
    let mut groups = Vec::new();
    for number in 0..40 {
        let name = dice.pick(&["Knight", "KNIGHT", "kni_", "Squire", "Ärger", "ärger%"]);
        let time = Timestamp::from_second(1_795_253_282 + dice.roll(4).cast_signed()).unwrap();
        let id = u128::from(dice.roll(u64::MAX)) << 64 | number;
        let group = Group {
            id: Uuid::from_u128(id),
            creator_id: Uuid::nil(),
            name: format!("{name}{number}"),
            description: String::new(),
            avatar_url: String::new(),
            lang_tag: dice.pick(&TAGS).to_owned(),
            metadata: "{}".to_owned(),
            open: dice.roll(2) == 0,
            edge_count: dice.pick(&[1, 2, 3, 4]),
            max_count: 100,
            create_time: time,
            update_time: time,
        };
        let disabled = dice.roll(8) == 0;
        let insert = sql(
            "INSERT INTO groups (id, creator_id, name, name_folded, lang_tag, state, \
                 edge_count, create_time, update_time, disable_time) \
             VALUES ($1, $1, $2, $3, $4, $5, $6, $7, $7, $8)",
        )
        .bind(group.id)
        .bind(&group.name)
        .bind(folded(&group.name))
        .bind(&group.lang_tag)
        .bind(i32::from(!group.open))
        .bind(group.edge_count)
        .bind(time)
        .bind(i32::from(disabled));
        store.database.execute(insert).await.unwrap();
        let group = Group {
            creator_id: group.id,
            ..group
        };
        groups.push((group, disabled));
    }
    groups
}

/// What a client sees who pages to the end.
async fn walk(store: &Store, filter: &GroupFilter, limit: u32) -> Vec<Group> {
    let mut seen: Vec<Group> = Vec::new();
    loop {
        let after = seen.last().map(|last| GroupPlace::of(last, filter));
        let page = store.groups(filter, after.as_ref(), limit).await.unwrap();
        let is_last = page.len() < limit as usize;
        seen.extend(page);
        if is_last {
            return seen;
        }
    }
}

/// The order of the specification, one row of its table at a time.
fn in_order(
    mut groups: Vec<Group>,
    open: Option<bool>,
    tag: Option<&str>,
    members: Option<i32>,
) -> Vec<Group> {
    let tagged = |group: &Group| group.lang_tag.clone();
    match (open.is_some(), tag.is_some(), members.is_some()) {
        (_, false, false) => {
            groups.sort_by_key(|group| (group.update_time, group.edge_count, group.id));
        }
        (false, false, true) => {
            groups.sort_by_key(|group| Reverse((group.edge_count, group.update_time, group.id)));
        }
        (false, true, false) => groups.sort_by_key(|group| (group.edge_count, group.id)),
        (true, false, true) => {
            groups.sort_by_key(|group| Reverse((group.edge_count, tagged(group), group.id)));
        }
        (false, true, true) | (true, true, _) => {
            groups.sort_by_key(|group| Reverse((group.edge_count, group.id)));
        }
    }
    groups
}

#[tokio::test]
async fn every_filter_has_its_order_and_pages_lose_and_repeat_nothing() {
    on_each_database(async |store| {
        let mut dice = Dice(0x7117_7a2d);
        let groups = make_groups(&store, &mut dice).await;
        for open in [None, Some(true), Some(false)] {
            for tag in [None, Some("en"), Some("xx")] {
                for members in [None, Some(0), Some(2), Some(9)] {
                    let fits = |(group, disabled): &&(Group, bool)| {
                        !disabled
                            && open.is_none_or(|open| group.open == open)
                            && tag.is_none_or(|tag| group.lang_tag == tag)
                            && members.is_none_or(|members| group.edge_count <= members)
                    };
                    let expected = groups.iter().filter(fits).map(|(group, _)| group.clone());
                    let expected = in_order(expected.collect(), open, tag, members);
                    let filter = GroupFilter::Traits {
                        lang_tag: tag.map(str::to_owned),
                        members,
                        open,
                    };
                    for limit in [1, 3, 100] {
                        let seen = walk(&store, &filter, limit).await;
                        assert_eq!(seen, expected, "{filter:?} by {limit}");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn names_are_found_in_any_case_by_how_they_begin() {
    on_each_database(async |store| {
        let mut dice = Dice(0xbeef);
        let groups = make_groups(&store, &mut dice).await;
        for (pattern, begins) in [
            ("knight%", vec!["knight"]),
            (" %%KNIGHT%", vec!["knight"]),
            ("k_i%", vec!["knight", "kni_"]),
            ("kni\\_%", vec!["kni_"]),
            ("ÄRGER%", vec!["ärger"]),
            ("ärger\\%%", vec!["ärger%"]),
            ("_quire%", vec!["squire"]),
            ("knight", vec![]),
            ("squire%\\", vec![]),
        ] {
            let fits = |group: &&Group| {
                let name = folded(&group.name);
                begins.iter().any(|begins| name.starts_with(begins))
            };
            let mut expected: Vec<Group> = groups
                .iter()
                .map(|(group, _)| group)
                .filter(fits)
                .cloned()
                .collect();
            expected.sort_by(|one, other| one.name.cmp(&other.name));
            let filter = GroupFilter::Name(NamePattern::new(pattern).unwrap());
            for limit in [1, 4, 100] {
                let seen = walk(&store, &filter, limit).await;
                assert_eq!(seen, expected, "{pattern} by {limit}");
            }
        }
        let whole = groups[7].0.name.to_uppercase().replace('_', "\\_");
        let filter = GroupFilter::Name(NamePattern::new(&whole).unwrap());
        assert_eq!(walk(&store, &filter, 5).await, [groups[7].0.clone()]);
        for refused in ["a\0", "b\0%"] {
            let filter = GroupFilter::Name(NamePattern::new(refused).unwrap());
            let listed = store.groups(&filter, None, 1).await;
            assert!(matches!(listed, Err(StoreError::Unfit { .. })));
        }
    })
    .await;
}

#[tokio::test]
async fn relations_are_listed_by_rank_and_age_from_both_sides() {
    on_each_database(async |store| {
        let mut dice = Dice(0xace);
        let mut users = Vec::new();
        for number in 0..20 {
            users.push(make_user(&store, &format!("user{number}")).await);
        }
        let groups: Vec<Uuid> = make_groups(&store, &mut dice)
            .await
            .into_iter()
            .filter(|(_, disabled)| !disabled)
            .map(|(group, _)| group.id)
            .collect();
        let mut edges = Vec::new();
        for (group, user) in (0..30).map(|number| (groups[number % 7], users[number % 20])) {
            let rank = dice.pick(&Rank::ALL);
            let position = dice.roll(3).cast_signed();
            let pairs = [(group, user), (user, group)];
            let sides = if rank == Rank::Banned { 1 } else { 2 };
            for (source, destination) in &pairs[..sides] {
                let insert = sql("INSERT INTO group_edges \
                         (source_id, destination_id, state, position, update_time) \
                     VALUES ($1, $2, $3, $4, 0)")
                .bind(*source)
                .bind(*destination)
                .bind(rank as i64)
                .bind(position);
                store.database.execute(insert).await.unwrap();
                edges.push((*source, rank, position, *destination));
            }
        }
        edges.sort_unstable();
        let ranks = || [None].into_iter().chain(Rank::ALL.map(Some));
        for source in groups[..8].iter().chain(&users) {
            for of in ranks() {
                let fits = |rank: Rank| of.map_or(rank != Rank::Banned, |of| rank == of);
                let expected: Vec<_> = edges
                    .iter()
                    .filter(|edge| edge.0 == *source && fits(edge.1))
                    .map(|edge| (edge.1, edge.3))
                    .collect();
                for limit in [1, 2, 50] {
                    let seen = walk_edges(&store, *source, of, limit).await;
                    assert_eq!(seen, expected, "{of:?} by {limit}");
                }
            }
        }
    })
    .await;
}

async fn walk_edges(
    store: &Store,
    source: Uuid,
    of: Option<Rank>,
    limit: u32,
) -> Vec<(Rank, Uuid)> {
    let mut seen = Vec::new();
    let mut after = EdgePlace::START;
    loop {
        let users = store.group_users(source, of, after, limit).await.unwrap();
        let users = users.into_iter().map(|user| (user.rank, user.place));
        let groups = store.user_groups(source, of, after, limit).await.unwrap();
        let groups = groups.into_iter().map(|group| (group.rank, group.place));
        // What is a group is no user, so one of the two is empty.
        let page: Vec<(Rank, EdgePlace)> = users.chain(groups).collect();
        seen.extend(page.iter().map(|(rank, place)| (*rank, place.id)));
        match page.last() {
            Some((_, place)) if page.len() == limit as usize => after = *place,
            _ => return seen,
        }
    }
}
