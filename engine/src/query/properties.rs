//! Laws that hold for any query and any documents.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::query::{Document, Index, Query};

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        run(&text, &json!({}));
    }

    #[test]
    fn no_text_of_the_languages_own_marks_panics(text in r#"[-+:><="^~\\ /*?ab.019(){}\[\]|é]{0,40}"#) {
        run(&text, &json!({"a": "ab", "b": [1, "é"]}));
    }

    #[test]
    fn no_regex_panics(source in r"[-a-cé.*+?(){}\[\]|\\^$\wWdpL0-3,&~]{0,30}", term in "[a-cé0-3]{0,8}") {
        let escaped: String = source.chars().flat_map(|c| ['\\', c]).collect();
        run(&format!("l.a:/{escaped}/"), &json!({"a": term}));
    }

    #[test]
    fn the_index_finds_what_asking_every_document_finds(
        changes in vec((0u8..12, option(label())), 0..40),
        queries in vec(query(), 1..8),
    ) {
        let mut documents = BTreeMap::new();
        let mut index = Index::new();
        for (id, label) in changes {
            match label.map(|label| Document::builder().json("l", &label).build()) {
                Some(document) => {
                    prop_assert_eq!(index.insert(id, document.clone()), documents.insert(id, document));
                }
                None => prop_assert_eq!(index.remove(id), documents.remove(&id)),
            }
        }
        prop_assert_eq!(index.len(), documents.len());
        for text in queries {
            let query = Query::parse(&text).unwrap().compile().unwrap();
            let mut found = index.search(&query);
            found.sort_by_key(|(id, _)| *id);
            let expected: Vec<(u8, f64)> = documents
                .iter()
                .filter_map(|(id, document)| Some((*id, query.score(document)?)))
                .collect();
            prop_assert_eq!(found, expected, "{}", text);
        }
    }

    #[test]
    fn a_rare_match_among_many_is_found_like_any_other(
        labels in vec(label(), 60..120),
        optional in query(),
        rare in clause(),
    ) {
        let mut index = Index::new();
        for (id, label) in labels.iter().enumerate() {
            index.insert(id, Document::builder().json("l", label).build());
        }
        let query = Query::parse(&format!("{optional} +{rare}")).unwrap().compile().unwrap();
        let mut found = index.search(&query);
        found.sort_by_key(|(id, _)| *id);
        let all = (0..labels.len()).filter_map(|id| Some((id, query.score(index.get(id)?)?)));
        prop_assert_eq!(found, all.collect::<Vec<_>>());
    }
}

/// Whatever the text is, nothing below may panic.
fn run(text: &str, label: &Value) {
    let Ok(query) = Query::parse(text).and_then(|query| query.compile()) else {
        return;
    };
    let document = Document::builder().json("l", label).build();
    let mut index = Index::new();
    index.insert(1, document.clone());
    let found = index.search(&query).first().map(|(_, score)| *score);
    assert_eq!(found, query.score(&document), "{text}");
}

fn option<T: std::fmt::Debug>(some: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.8, some)
}

/// A label of few fields with few values, so that queries find something.
fn label() -> impl Strategy<Value = Value> {
    let leaf = || {
        select(vec![
            json!("a"),
            json!("ab"),
            json!("abc"),
            json!("abd"),
            json!("1"),
            json!("-1"),
            json!("2024-05-01"),
            json!(""),
            json!(-1),
            json!(0),
            json!(1),
            json!(2.5),
            json!(true),
            json!(null),
        ])
    };
    let value = || prop_oneof![3 => leaf(), 1 => vec(leaf(), 0..4).prop_map(Value::from)];
    (value(), value(), value()).prop_map(|(x, y, z)| json!({"x": x, "y": y, "m": {"z": z}}))
}

fn query() -> impl Strategy<Value = String> {
    let prefixed =
        (select(vec!["", "+", "-"]), clause()).prop_map(|(mark, clause)| format!("{mark}{clause}"));
    vec(prefixed, 1..5).prop_map(|clauses| clauses.join(" "))
}

fn clause() -> impl Strategy<Value = String> {
    let field = select(vec!["l.x:", "l.y:", "l.m.z:", "l.none:", ""]);
    let value = select(vec![
        "a",
        "ab",
        "abc~",
        "ab~2",
        "a~1",
        "T",
        "1",
        "-1",
        "00",
        "2.5",
        ">0",
        ">=1",
        "<1",
        "<=-1",
        "*",
        "a*",
        "?b*",
        "/a.*/",
        "/(a|ab)./",
        "/.*/",
        "\"a\"",
        ">\"2024-01-01T00:00:00Z\"",
        "<=\"2024-05-01T00:00:00Z\"",
    ]);
    let boost = select(vec!["", "", " ^2", " ^0.1", " ^-3", " ^0"]);
    (field, value, boost).prop_map(|(field, value, boost)| {
        // Without a field there are no ranges and no negative values.
        let bare = field.is_empty() && value.starts_with(['>', '<', '-']);
        format!("{field}{}{boost}", if bare { "a" } else { value })
    })
}
