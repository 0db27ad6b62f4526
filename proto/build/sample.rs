//! Writes `Sample` for every message, so that tests can make any value there is.

use std::fmt::{Error, Write};

use crate::schema::{Member, Message, Schema};

pub(crate) fn generate(schema: &Schema) -> String {
    let mut code = String::new();
    for message in &schema.messages {
        write_message(&mut code, message).expect("a String takes everything");
    }
    code
}

fn write_message(code: &mut String, message: &Message) -> Result<(), Error> {
    writeln!(code, "impl Sample for {} {{", message.path)?;
    writeln!(code, "fn sample(source: &mut Source<'_>) -> Self {{")?;
    // Messages without fields draw nothing.
    writeln!(code, "let _ = &source;\nSelf {{")?;
    for member in &message.members {
        match member {
            Member::Field(field) => writeln!(code, "{}: Sample::sample(source),", field.ident)?,
            Member::Choice {
                ident,
                path,
                fields,
            } => {
                writeln!(code, "{ident}: match source.below({}) {{", fields.len() + 1)?;
                for (index, field) in fields.iter().enumerate() {
                    let variant = &field.variant;
                    writeln!(
                        code,
                        "{index} => Some({path}::{variant}(Sample::sample(source))),"
                    )?;
                }
                writeln!(code, "_ => None,\n}},")?;
            }
        }
    }
    writeln!(code, "}}\n}}\n}}\n")
}
