//! Writes a JSON Schema for every object of the HTTP API, comments included.

use std::collections::BTreeMap;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use serde_json::{Map, Value, json};

/// The schemas by name, as an OpenAPI document has them under `components`.
pub(crate) fn generate(descriptors: &FileDescriptorSet) -> String {
    let mut schemas = Map::new();
    for file in &descriptors.file {
        if file.package() != "nakama.api" {
            continue;
        }
        let mut comments = BTreeMap::new();
        for location in file.source_code_info.iter().flat_map(|info| &info.location) {
            comments.insert(location.path.clone(), one_line(location.leading_comments()));
        }
        for (index, message) in (0..).zip(&file.message_type) {
            // 4 is the number of `message_type` in a file, 3 below that of `nested_type` and 2
            // that of `field` in a message.
            collect(message, "", &[4, index], &comments, &mut schemas);
        }
    }
    Value::Object(schemas).to_string()
}

fn one_line(comment: &str) -> String {
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn collect(
    message: &DescriptorProto,
    parent: &str,
    path: &[i32],
    comments: &BTreeMap<Vec<i32>, String>,
    schemas: &mut Map<String, Value>,
) {
    let name = format!("{parent}{}", message.name());
    let below = |kind, index| [path, &[kind, index]].concat();
    let describe = |schema: &mut Value, path: &[i32]| {
        if let Some(comment) = comments.get(path).filter(|comment| !comment.is_empty()) {
            schema["description"] = comment.as_str().into();
        }
    };
    let mut properties = Map::new();
    for (index, field) in (0..).zip(&message.field) {
        let mut schema = field_schema(field, message);
        describe(&mut schema, &below(2, index));
        properties.insert(field.name().to_owned(), schema);
    }
    let mut schema = json!({"type": "object", "properties": properties});
    describe(&mut schema, path);
    for (index, nested) in (0..).zip(&message.nested_type) {
        if !is_map_entry(nested) {
            let parent = format!("{name}.");
            collect(nested, &parent, &below(3, index), comments, schemas);
        }
    }
    schemas.insert(name, schema);
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    let options = message.options.as_ref();
    options.is_some_and(|options| options.map_entry())
}

fn field_schema(field: &FieldDescriptorProto, message: &DescriptorProto) -> Value {
    let is_entry = |nested: &&DescriptorProto| {
        let suffix = format!(".{}.{}", message.name(), nested.name());
        is_map_entry(nested) && field.type_name().ends_with(&suffix)
    };
    if let Some(entry) = message.nested_type.iter().find(is_entry) {
        let values = value_schema(&entry.field[1]);
        return json!({"type": "object", "additionalProperties": values});
    }
    let schema = value_schema(field);
    match field.label() {
        Label::Repeated => json!({"type": "array", "items": schema}),
        _ => schema,
    }
}

/// The JSON form of one value. Numbers of 64 bits are text, and wrappers what they wrap.
fn value_schema(field: &FieldDescriptorProto) -> Value {
    let (kind, format) = match (field.r#type(), field.type_name()) {
        (Type::String, _) | (_, ".google.protobuf.StringValue") => ("string", None),
        (Type::Bool, _) | (_, ".google.protobuf.BoolValue") => ("boolean", None),
        (Type::Int32, _) | (_, ".google.protobuf.Int32Value") => ("integer", Some("int32")),
        (Type::Int64, _) => ("string", Some("int64")),
        (_, ".google.protobuf.Timestamp") => ("string", Some("date-time")),
        (_, name) => {
            let name = name.strip_prefix(".nakama.api.");
            let name = name.unwrap_or_else(|| panic!("{} has no JSON Schema", field.name()));
            return json!({"$ref": format!("#/components/schemas/{name}")});
        }
    };
    let mut schema = json!({"type": kind});
    if let Some(format) = format {
        schema["format"] = format.into();
    }
    schema
}
