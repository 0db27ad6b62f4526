//! The part of the descriptors that the generators need, under Rust names.

use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

/// Every message of our packages, nested ones after their parents.
pub(crate) struct Schema {
    pub(crate) messages: Vec<Message>,
}

pub(crate) struct Message {
    /// Path from inside the crate, like `crate::realtime::MatchData`.
    pub(crate) path: String,
    /// In declaration order; a choice stands where its first field does.
    pub(crate) members: Vec<Member>,
}

pub(crate) enum Member {
    Field(Field),
    /// A `oneof`.
    Choice {
        ident: String,
        /// Path of its enum, like `crate::realtime::match_join::Id`.
        path: String,
        fields: Vec<Field>,
    },
}

pub(crate) struct Field {
    /// Name in the `.proto`, which is the JSON name on output.
    pub(crate) name: String,
    /// The lowerCamelCase name that is accepted too.
    pub(crate) camel_name: String,
    /// Name in the Rust struct.
    pub(crate) ident: String,
    /// Name in the Rust enum, for fields of a choice.
    pub(crate) variant: String,
    /// Whether it is an `Option`: sub-messages, timestamps and wrappers.
    pub(crate) is_optional: bool,
}

impl Schema {
    pub(crate) fn read(descriptors: &FileDescriptorSet) -> Self {
        let mut messages = Vec::new();
        for file in &descriptors.file {
            if let Some(package) = file.package().strip_prefix("nakama.") {
                for message in &file.message_type {
                    collect(message, &format!("crate::{package}"), &mut messages);
                }
            }
        }
        Self { messages }
    }
}

fn collect(message: &DescriptorProto, parent: &str, messages: &mut Vec<Message>) {
    let is_map_entry = message.options.as_ref().is_some_and(|o| o.map_entry());
    if is_map_entry {
        return;
    }
    let inside = format!("{parent}::{}", snake(message.name()));
    let mut members = Vec::new();
    for field in &message.field {
        match field.oneof_index {
            None => members.push(Member::Field(read_field(field, message))),
            Some(index) => {
                let name = message.oneof_decl[usize::try_from(index).expect("an index")].name();
                add_to_choice(name, &inside, read_field(field, message), &mut members);
            }
        }
    }
    let path = format!("{parent}::{}", message.name());
    messages.push(Message { path, members });
    for nested in &message.nested_type {
        collect(nested, &inside, messages);
    }
}

fn add_to_choice(name: &str, inside: &str, field: Field, members: &mut Vec<Member>) {
    if let Some(Member::Choice { ident, fields, .. }) = members.last_mut()
        && ident == name
    {
        fields.push(field);
        return;
    }
    members.push(Member::Choice {
        ident: name.to_owned(),
        path: format!("{inside}::{}", camel(name)),
        fields: vec![field],
    });
}

fn read_field(field: &FieldDescriptorProto, message: &DescriptorProto) -> Field {
    assert!(
        !matches!(field.r#type(), Type::Enum | Type::Group),
        "{}.{}: the JSON generator has no enums and no groups",
        message.name(),
        field.name()
    );
    Field {
        name: field.name().to_owned(),
        camel_name: field.json_name().to_owned(),
        ident: match field.name() {
            "self" => "self_".to_owned(),
            "match" | "type" => format!("r#{}", field.name()),
            name => name.to_owned(),
        },
        variant: camel(field.name()),
        is_optional: field.r#type() == Type::Message && field.label() != Label::Repeated,
    }
}

/// `match_join` from `MatchJoin`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `MatchJoin` from `match_join`.
fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect()
}
