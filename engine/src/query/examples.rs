//! The worked examples of the language, asked of an index and of each document on its own. All
//! answers were observed on the reference server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::query::{CompiledQuery, Document, Index, Query, QueryError};

/// The documents in the order of their creation.
const LABELS: [(char, &str); 9] = [
    (
        'A',
        r#"{"mode":"freeforall","level":15,"open":true,"region":"eu","tags":["ranked","night"],"name":"Quick Game","map":{"id":"desert","size":10},"when":"2024-05-01T00:00:00Z"}"#,
    ),
    (
        'B',
        r#"{"mode":"freeforall","level":9,"open":false,"region":"us","tags":["casual"],"name":"quick game","map":{"id":"forest","size":20},"when":"2024-06-01T00:00:00Z"}"#,
    ),
    (
        'C',
        r#"{"mode":"duel","level":10,"open":true,"region":"eu","tags":["ranked"],"name":"Duel-1","map":{"id":"desert","size":2},"rating":-5.5}"#,
    ),
    (
        'D',
        r#"{"mode":"free","level":100,"open":true,"region":"us-east","tags":[],"name":"a:b","code":"10"}"#,
    ),
    (
        'G',
        r#"{"mode":"FreeForAll","level":"15","nothing":null,"big":9007199254740993}"#,
    ),
    (
        'I',
        r#"{"mode":"co-op","level":10.5,"day":"2024-05-01","slash":"a/b","space key":1,"q":"say \"hi\""}"#,
    ),
    ('E', "skill=100-150"),
    ('F', ""),
    ('H', r#"["x"]"#),
];

/// Sets of documents; a `>` between them stands where the order matters. Numbers are those of
/// the specification. Rows 87 and 88 are about the size of matches, which is not indexed.
const EXAMPLES: &[(u8, &str, &str)] = &[
    (1, "*", "H>F>E>I>G>D>C>B>A"),
    (2, "+label.mode:freeforall", "AB"),
    (3, "label.mode:freeforall", "AB"),
    (4, "label.mode:freeforall label.level:>10", "A>I>D>B"),
    (5, "+label.mode:freeforall label.level:>10", "A>B"),
    (6, "+label.mode:freeforall +label.level:>10", "A"),
    (7, "label.level:>10", "ADI"),
    (8, "label.level:>=10", "ACDI"),
    (9, "label.level:<10", "B"),
    (10, "+label.level:>=10 +label.level:<=15", "ACI"),
    (11, "label.level:>=10 label.level:<=15", "ABCDI"),
    (12, "+label.level:>=9 -label.level:>=15", "BCI"),
    (13, "label.level:15", "AG"),
    (14, "label.level:10.0", "C"),
    (15, "label.code:10", "D"),
    (16, "label.level:\"15\"", ""),
    (17, "label.name:\"Quick Game\"", ""),
    (18, r"label.name:Quick\ Game", "A"),
    (19, "label.name:Quick Game", ""),
    (20, "label.mode:FREEFORALL", ""),
    (21, "label.mode:/(?i)freeforall/", "ABG"),
    (22, "-label.mode:freeforall", "CDEFGHI"),
    (23, "-label.mode:freeforall +label.region:eu", "C"),
    (24, "-label.mode:freeforall label.region:eu", "C"),
    (25, "+label.open:T", "ACD"),
    (26, "label.open:true", ""),
    (27, "label.tags:ranked", "AC"),
    (28, "+label.tags:ranked +label.tags:night", "A"),
    (29, "label.tags:ranked -label.tags:night", "C"),
    (30, "label.map.id:desert", "AC"),
    (31, "label.map:desert", ""),
    (
        32,
        "+label.mode:freeforall +label.map.size:<15 +label.map.size:>5",
        "A",
    ),
    (33, "label.mode:free*", "ABD"),
    (34, "label.map.id:d?sert", "AC"),
    (35, "label.mode:*duel*", "C"),
    (36, r"label.mode:fr\*", "ABD"),
    (37, "label.mode:/free.*/", "ABD"),
    (38, "label.mode:/free/", "D"),
    (39, "label.mode:/(duel|free)/", "CD"),
    (40, r"label.name:/Quick\ Game/", "A"),
    (41, "label.name:/Quick Game/", ""),
    (43, r"label.mode:/\^free/", "D"),
    (45, r"label.name:a\:b", "D"),
    (46, "label.mode:co-op", "I"),
    (46, r"label.mode:co\-op", "I"),
    (48, "label.rating:-5.5", "C"),
    (49, "label.rating:>=-6", "C"),
    (50, "label.mode:freforall~", "AB"),
    (51, "label.mode:freforal~2", "AB"),
    (52, "label.mode:deul~1", "C"),
    (54, "label.when:>\"2024-05-15T00:00:00Z\"", "B"),
    (55, "label.when:>=\"2024-05-01T00:00:00Z\"", "AB"),
    (56, "label.day:<\"2024-05-15T00:00:00Z\"", "I"),
    (57, r"label.day:2024\-05\-01", ""),
    (59, "label.slash:a/b", "I"),
    (60, r"label.space\ key:1", "I"),
    (61, r#"label.q:say\ \"hi\""#, "I"),
    (62, "label.nosuch:x", ""),
    (63, "-label.nosuch:x", "ABCDEFGHI"),
    (64, "freeforall", ""),
    (65, "+label.mode:*", "ABCDGI"),
    (66, "-label.tags:*", "DEFGHI"),
    (67, "label.mode:duel OR label.mode:free", "CD"),
    (68, "+label.mode:duel AND +label.region:eu", "C"),
    (69, "NOT label.mode:duel", "C"),
    (70, "(label.mode:duel)", ""),
    (71, "* -label.mode:duel", ""),
    (72, "label.mode:duel^3 label.mode:free^5", "D>C"),
    (73, "label.region:eu^3 label.level:9^8", "C>A>B"),
    (74, "label.region:eu^3 label.level:9^10", "B>C>A"),
    (75, "label.map.id:des*^3 label.level:9^5", "B>C>A"),
    (76, "label.level:>50^5 label.region:eu", "D>C>A"),
    (78, "label.level:> 10", "ADI"),
    (79, "label.level:1e1", ""),
    (80, r"label_string:skill\=100\-150", "E"),
    (81, "handler_name:joust", "ABCDEFGHI"),
    (86, "+label.mode:duel", "C"),
];

#[test]
fn worked_examples_find_what_the_reference_server_finds() {
    let stage = Stage::new(LABELS.map(|(name, label)| (name, label.to_owned())));
    for (number, text, expected) in EXAMPLES {
        assert_eq!(
            stage.found(text, expected.contains('>')),
            expected.replace('>', ""),
            "example {number}: {text}"
        );
    }
}

#[test]
fn worked_examples_of_errors_are_errors_of_their_kind() {
    let syntax = [
        (42, "label.mode:/^free.*/"),
        (47, "label.mode:-duel"),
        (58, "label.day:>\"2024-05-01\""),
        (77, "label.mode:duel^3+label.open:T"),
        (82, "label.mode:"),
        (82, "+"),
        (82, "\"abc"),
    ];
    for (number, text) in syntax {
        let result = Query::parse(text);
        assert!(
            matches!(result, Err(QueryError::Syntax { .. })),
            "example {number}: {text}"
        );
    }
    for (number, text) in [(44, "label.mode:/free$/"), (53, "label.mode:free~3")] {
        let query = Query::parse(text);
        let compiled = query.as_ref().map(Query::compile);
        assert!(
            matches!(compiled, Ok(Err(QueryError::Clause { .. }))),
            "example {number}: {text}: the matchmaker accepts it and finds nothing"
        );
    }
}

#[test]
fn a_label_filter_is_an_exact_query_for_the_whole_label() {
    let stage = Stage::new(LABELS.map(|(name, label)| (name, label.to_owned())));
    for (number, label, expected) in [
        (83, "skill=100-150", "E"),
        (84, LABELS[2].1, "C"),
        (85, r#"{"mode":"duel"}"#, ""),
    ] {
        let query = Query::exact("label_string", label).compile().unwrap();
        assert_eq!(stage.ask(&query, false), expected, "example {number}");
    }
}

/// The reference server's own test data: every `baz` from 0 to 4, each with two options.
#[test]
fn optional_clauses_with_boosts_only_rank() {
    let labels = [
        ('a', 0),
        ('b', 0),
        ('a', 1),
        ('b', 1),
        ('a', 2),
        ('b', 2),
        ('a', 3),
        ('b', 3),
    ]
    .into_iter()
    .chain([('a', 4), ('b', 4)])
    .zip('0'..)
    .map(|((option, baz), name)| {
        let label = json!({"foo": 5, "bar": 1, "option": option, "baz": baz});
        (name, label.to_string())
    });
    let stage = Stage::new(labels);
    let base = "+label.foo:5 +label.bar:1 label.baz:4^10 label.baz:2^5";
    assert_eq!(stage.found(base, true), "9854763210");
    assert_eq!(
        stage.found(&format!("{base} +label.option:a"), true),
        "84620"
    );
    assert_eq!(
        stage.found(&format!("{base} label.option:a"), true)[..4],
        *"8945"
    );
}

#[test]
fn properties_of_tickets_are_found_by_the_same_rules() {
    let maps = Document::builder()
        .text_or_date("properties.maps", "map1 map2 some_map other_map")
        .text_or_date(
            "properties.blocked",
            "0192f0c1-5b3e-7c11 0192f0c1-5b3e-7c12",
        )
        .build();
    let finds = |text: &str, document: &Document| compile(text).score(document).is_some();
    assert!(finds("+properties.maps:/.*(map2|map3).*/", &maps));
    assert!(!finds("+properties.maps:/.*(map3|some_map_foo).*/", &maps));
    assert!(!finds(
        r"-properties.blocked:/.*0192f0c1\-5b3e\-7c12.*/",
        &maps
    ));
    assert!(finds(
        r"-properties.blocked:/.*0192f0c1\-5b3e\-7c13.*/",
        &maps
    ));

    let rank = |rank| Document::builder().number("properties.rank", rank).build();
    let near = "+properties.rank:>=5 +properties.rank:<=10";
    assert!(finds(near, &rank(7.0)) && finds(near, &rank(9.0)) && !finds(near, &rank(20.0)));

    let region = |region| {
        Document::builder()
            .text_or_date("properties.region", region)
            .build()
    };
    assert!(
        !finds("properties.region:eu^5", &region("us")),
        "a lone option is a requirement"
    );
    assert!(finds(
        "properties.region:eu^5 properties.region:*",
        &region("us")
    ));
}

#[test]
fn an_id_in_an_array_is_found_by_any_element() {
    let stage = Stage::new([('a', json!({"ids": ["p-1", "p-2"]}).to_string())]);
    assert_eq!(stage.found(r"+label.ids:p-1", false), "a");
    assert_eq!(stage.found(r"+label.ids:p-2", false), "a");
    assert_eq!(stage.found(r"+label.ids:p-3", false), "");
}

#[test]
fn numbers_of_the_listing_scenario_are_found() {
    let numbers = [
        ('m', -5.0),
        ('z', 0.0),
        ('h', 0.5),
        ('o', 1.0),
        ('t', 10.0),
        ('b', 1_500_000.0),
    ];
    let stage = Stage::new(numbers.map(|(name, n)| (name, json!({"n": n}).to_string())));
    for (text, expected) in [
        ("+label.n:1", "o"),
        ("+label.n:0", "z"),
        ("+label.n:0.5", "h"),
        ("+label.n:-5", "m"),
        ("+label.n:1500000", "b"),
        ("+label.n:>0", "bhot"),
        ("+label.n:>=0", "bhotz"),
        ("+label.n:<0", "m"),
        ("+label.n:<=0", "mz"),
        ("+label.n:>0.5", "bot"),
        ("+label.n:>0 +label.n:<10", "ho"),
        ("+label.n:>=1 -label.n:10", "bo"),
        ("+label.n:>-10", "bhmotz"),
        ("+label.n:<=-5", "m"),
        ("+label.n:\"1\"", ""),
    ] {
        assert_eq!(stage.found(text, false), expected, "{text}");
    }
}

fn compile(text: &str) -> CompiledQuery {
    Query::parse(text).unwrap().compile().unwrap()
}

/// Matches with labels, oldest first.
struct Stage {
    names: BTreeMap<usize, char>,
    index: Index<usize>,
}

impl Stage {
    fn new(labels: impl IntoIterator<Item = (char, String)>) -> Self {
        let (mut names, mut index) = (BTreeMap::new(), Index::new());
        for (id, (name, label)) in labels.into_iter().enumerate() {
            let json: Value = serde_json::from_str(&label).unwrap_or_default();
            let document = Document::builder()
                .json("label", &json)
                .keyword("label_string", &label)
                .keyword("handler_name", "joust");
            index.insert(id, document.build());
            names.insert(id, name);
        }
        Self { names, index }
    }

    fn found(&self, text: &str, ordered: bool) -> String {
        self.ask(&compile(text), ordered)
    }

    /// Names of the documents found: best first and newest first among equals, or else sorted.
    fn ask(&self, query: &CompiledQuery, ordered: bool) -> String {
        let mut found = self.index.search(query);
        let every = self
            .names
            .keys()
            .filter_map(|id| Some((*id, query.score(self.index.get(*id)?)?)));
        found.sort_by_key(|(id, _)| *id);
        assert_eq!(
            found,
            every.collect::<Vec<_>>(),
            "index and documents disagree"
        );
        found.sort_by(|(id, score), (other_id, other_score)| {
            other_score.total_cmp(score).then(other_id.cmp(id))
        });
        let mut names: Vec<char> = found.iter().map(|(id, _)| self.names[id]).collect();
        if !ordered {
            names.sort_unstable();
        }
        names.into_iter().collect()
    }
}
