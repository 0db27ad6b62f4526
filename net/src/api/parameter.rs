//! What may stand in the query of a request. Only what is declared here for an operation can be read by it, so
//! that its description leaves nothing out.

use serde_json::{Value, json};

/// A parameter of the query, as an operation's `decode` reads it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Parameter {
    /// In snake case; camel case is understood as well.
    pub(super) name: &'static str,
    form: Form,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Text,
    Texts,
    Integer,
    Boolean,
}

impl Parameter {
    /// Whether friends elsewhere become friends here.
    pub(super) const SYNC: Self = Self::boolean("sync");

    pub(super) const fn text(name: &'static str) -> Self {
        let form = Form::Text;
        Self { name, form }
    }

    /// A parameter that is repeated for several values.
    pub(super) const fn texts(name: &'static str) -> Self {
        let form = Form::Texts;
        Self { name, form }
    }

    pub(super) const fn integer(name: &'static str) -> Self {
        let form = Form::Integer;
        Self { name, form }
    }

    pub(super) const fn boolean(name: &'static str) -> Self {
        let form = Form::Boolean;
        Self { name, form }
    }

    /// The parameter object of OpenAPI.
    pub(super) fn describe(self) -> Value {
        let schema = match self.form {
            Form::Text => json!({"type": "string"}),
            Form::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Form::Integer => json!({"type": "integer", "format": "int32"}),
            Form::Boolean => json!({"type": "boolean"}),
        };
        json!({"name": self.name, "in": "query", "schema": schema})
    }

    /// A value, escaped, that whoever reads it refuses.
    #[cfg(test)]
    pub(super) fn unfit(self) -> &'static str {
        match self.form {
            Form::Text | Form::Texts => "%FF",
            Form::Integer | Form::Boolean => "maybe",
        }
    }
}
