//! What a query is asked of: the indexed form of a label or of a ticket's properties.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use smallvec::SmallVec;

use crate::query::{date, sort_key::SortKey};

/// The fields of one match, party or ticket, each with its terms and numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Sorted by name.
    fields: Vec<(Box<str>, Values)>,
}

impl Document {
    /// A document without fields, to be filled.
    pub fn builder() -> DocumentBuilder {
        DocumentBuilder::default()
    }

    pub(super) fn field(&self, name: &str) -> Option<&Values> {
        let index = self
            .fields
            .binary_search_by(|(field, _)| (**field).cmp(name))
            .ok()?;
        self.fields.get(index).map(|(_, values)| values)
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &Values)> {
        self.fields.iter().map(|(name, values)| (&**name, values))
    }
}

/// Collects the fields of a [`Document`].
///
/// A field may have any number of values of any kind; a second value does not replace the first.
#[derive(Clone, Debug, Default)]
pub struct DocumentBuilder {
    fields: BTreeMap<Box<str>, Values>,
}

impl DocumentBuilder {
    /// Adds a term that is found as it is, even if it resembles a date.
    #[must_use]
    pub fn keyword(mut self, field: &str, text: &str) -> Self {
        self.values(field).terms.push(text.into());
        self
    }

    /// Adds a date if `text` is one, and otherwise a term.
    ///
    /// Dates are full RFC 3339, `2006-01-02T15:04:05`, `2006-01-02 15:04:05` and `2006-01-02`. A
    /// date is found by ranges only, never by its text.
    #[must_use]
    pub fn text_or_date(mut self, field: &str, text: &str) -> Self {
        let values = self.values(field);
        match date::parse_any(text) {
            Some(unix_ns) => values.numbers.push(SortKey::date(unix_ns)),
            None => values.terms.push(text.into()),
        }
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, field: &str, number: f64) -> Self {
        self.values(field).numbers.push(SortKey::number(number));
        self
    }

    /// Adds a date, given in nanoseconds since 1970.
    #[must_use]
    pub fn date(mut self, field: &str, unix_ns: i64) -> Self {
        self.values(field)
            .numbers
            .push(SortKey::date(unix_ns.into()));
        self
    }

    /// Adds the term `T` for true and `F` for false.
    #[must_use]
    pub fn boolean(self, field: &str, value: bool) -> Self {
        self.keyword(field, if value { "T" } else { "F" })
    }

    /// Adds the members of a JSON object as fields below `field`, with a dot between the names of
    /// members inside each other.
    ///
    /// Strings are added as by [`Self::text_or_date`]. Elements of arrays share one field, and
    /// null adds nothing. JSON that is no object has no members and adds nothing either.
    #[must_use]
    pub fn json(mut self, field: &str, json: &Value) -> Self {
        if json.is_object() {
            self = self.json_value(field, json);
        }
        self
    }

    fn json_value(self, path: &str, json: &Value) -> Self {
        match json {
            Value::Null => self,
            Value::Bool(value) => self.boolean(path, *value),
            // Every JSON number has a float, as long as serde_json keeps them as machine numbers.
            Value::Number(number) => match number.as_f64() {
                Some(number) => self.number(path, number),
                None => self,
            },
            Value::String(text) => self.text_or_date(path, text),
            Value::Array(elements) => elements
                .iter()
                .fold(self, |document, element| document.json_value(path, element)),
            Value::Object(members) => members.iter().fold(self, |document, (name, member)| {
                document.json_value(&format!("{path}.{name}"), member)
            }),
        }
    }

    /// The document with all that was added.
    pub fn build(self) -> Document {
        let mut fields: Vec<_> = self.fields.into_iter().collect();
        for (_, values) in &mut fields {
            values.normalise();
        }
        Document { fields }
    }

    fn values(&mut self, field: &str) -> &mut Values {
        self.fields.entry(field.into()).or_default()
    }
}

/// The values of one field, without repetitions and sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Values {
    pub(super) terms: SmallVec<[Arc<str>; 1]>,
    pub(super) numbers: SmallVec<[SortKey; 1]>,
}

impl Values {
    pub(super) fn has_term(&self, term: &str) -> bool {
        self.terms.binary_search_by(|own| (**own).cmp(term)).is_ok()
    }

    fn normalise(&mut self) {
        self.terms.sort_unstable();
        self.terms.dedup();
        self.numbers.sort_unstable();
        self.numbers.dedup();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terms(document: &Document, field: &str) -> Vec<String> {
        let values = document.field(field).cloned().unwrap_or_default();
        values.terms.iter().map(ToString::to_string).collect()
    }

    fn numbers(document: &Document, field: &str) -> Vec<SortKey> {
        document
            .field(field)
            .map(|values| values.numbers.to_vec())
            .unwrap_or_default()
    }

    #[test]
    fn leaves_of_an_object_become_fields_with_dotted_names() {
        let json = json!({"map": {"id": "desert", "size": 10}, "a.b": {"c": "x"}, "open": true, "shut": false});
        let document = Document::builder().json("label", &json).build();
        assert_eq!(terms(&document, "label.map.id"), ["desert"]);
        assert_eq!(
            numbers(&document, "label.map.size"),
            [SortKey::number(10.0)]
        );
        assert_eq!(terms(&document, "label.a.b.c"), ["x"]);
        assert_eq!(terms(&document, "label.open"), ["T"]);
        assert_eq!(terms(&document, "label.shut"), ["F"]);
        assert_eq!(document.field("label.map"), None);
        assert_eq!(document.field("label"), None);
    }

    #[test]
    fn elements_of_arrays_share_one_field() {
        let json = json!({"x": ["b", 1, ["a", "b", null]], "y": [{"z": 1}, {"z": "one"}]});
        let document = Document::builder().json("label", &json).build();
        assert_eq!(terms(&document, "label.x"), ["a", "b"]);
        assert_eq!(numbers(&document, "label.x"), [SortKey::number(1.0)]);
        assert_eq!(terms(&document, "label.y.z"), ["one"]);
        assert_eq!(numbers(&document, "label.y.z"), [SortKey::number(1.0)]);
    }

    #[test]
    fn null_and_empty_values_leave_no_field() {
        let json = json!({"a": null, "b": [], "c": {}, "d": [null, {}]});
        assert_eq!(
            Document::builder().json("label", &json).build(),
            Document::default()
        );
    }

    #[test]
    fn json_other_than_an_object_has_no_fields() {
        for json in [json!(["x"]), json!("x"), json!(5), json!(true), json!(null)] {
            assert_eq!(
                Document::builder().json("label", &json).build(),
                Document::default()
            );
        }
    }

    #[test]
    fn dates_in_json_and_properties_have_no_text() {
        let document = Document::builder()
            .json("label", &json!({"day": "2024-05-01"}))
            .text_or_date("properties.when", "2024-05-01T00:00:00Z")
            .keyword("ticket", "2024-05-01")
            .build();
        assert_eq!(terms(&document, "label.day"), [""; 0]);
        assert_eq!(
            numbers(&document, "label.day"),
            numbers(&document, "properties.when")
        );
        assert_eq!(
            terms(&document, "ticket"),
            ["2024-05-01"],
            "a keyword stays text"
        );
    }

    #[test]
    fn integers_beyond_floats_are_rounded() {
        let document = Document::builder()
            .json("label", &json!({"n": 9_007_199_254_740_993_u64}))
            .build();
        assert_eq!(
            numbers(&document, "label.n"),
            [SortKey::number(9_007_199_254_740_992.0)]
        );
    }
}
