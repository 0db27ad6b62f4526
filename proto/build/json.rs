//! Writes `ToJson`, `FromJson` and `ReadMembers` for every message.

use std::fmt::{Error, Write};

use crate::schema::{Field, Member, Message, Schema};

pub(crate) fn generate(schema: &Schema) -> String {
    let mut code = String::new();
    for message in &schema.messages {
        write_message(&mut code, message).expect("a String takes everything");
    }
    code
}

fn write_message(code: &mut String, message: &Message) -> Result<(), Error> {
    let path = &message.path;
    writeln!(code, "impl ToJson for {path} {{")?;
    writeln!(code, "fn write_json(&self, out: &mut Vec<u8>) {{")?;
    writeln!(code, "let mut object = ObjectWriter::open(out);")?;
    for member in &message.members {
        write_output(code, member)?;
    }
    writeln!(code, "object.close();\n}}\n}}")?;

    writeln!(code, "impl FromJson for {path} {{")?;
    writeln!(
        code,
        "fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {{"
    )?;
    writeln!(code, "read_message(parser)\n}}\n}}")?;

    writeln!(code, "impl ReadMembers for {path} {{")?;
    writeln!(
        code,
        "fn read_member(&mut self, name: &str, value: &mut MemberReader<'_, '_>) -> Result<bool, JsonError> {{"
    )?;
    writeln!(code, "match name {{")?;
    let mut bit = 0;
    for member in &message.members {
        write_input(code, member, &mut bit)?;
    }
    // `MemberReader` remembers what it has seen in 64 bits.
    assert!(bit <= 64, "{path} has more than 64 fields");
    writeln!(code, "_ => return Ok(false),\n}}\nOk(true)\n}}\n}}\n")
}

fn write_output(code: &mut String, member: &Member) -> Result<(), Error> {
    match member {
        Member::Field(field) => {
            let Field { name, ident, .. } = field;
            let method = if field.is_optional {
                "optional"
            } else {
                "plain"
            };
            writeln!(code, "object.{method}(\"{name}\", &self.{ident});")
        }
        Member::Choice {
            ident,
            path,
            fields,
        } => {
            writeln!(code, "match &self.{ident} {{\nNone => {{}}")?;
            for Field { name, variant, .. } in fields {
                writeln!(
                    code,
                    "Some({path}::{variant}(chosen)) => object.member(\"{name}\", chosen),"
                )?;
            }
            writeln!(code, "}}")
        }
    }
}

fn write_input(code: &mut String, member: &Member, bit: &mut u32) -> Result<(), Error> {
    match member {
        Member::Field(field) => {
            let read = if field.is_optional {
                "Some(value.read()?)"
            } else {
                "value.read()?"
            };
            let ident = &field.ident;
            write_arm(code, field, bit, &format!("self.{ident} = {read};"))
        }
        Member::Choice {
            ident,
            path,
            fields,
        } => {
            for field in fields {
                let variant = &field.variant;
                let read = format!(
                    "value.choose(self.{ident}.is_some())?;\n\
                     self.{ident} = Some({path}::{variant}(value.read()?));"
                );
                write_arm(code, field, bit, &read)?;
            }
            Ok(())
        }
    }
}

fn write_arm(code: &mut String, field: &Field, bit: &mut u32, read: &str) -> Result<(), Error> {
    let Field {
        name, camel_name, ..
    } = field;
    write!(code, "\"{name}\"")?;
    if camel_name != name {
        write!(code, " | \"{camel_name}\"")?;
    }
    writeln!(code, " => if value.is_present({bit})? {{\n{read}\n}},")?;
    *bit += 1;
    Ok(())
}
