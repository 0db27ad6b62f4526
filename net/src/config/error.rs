use std::path::PathBuf;

use super::layers::Origin;

/// Why the configuration was refused. The text is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No option has this name.
    #[error("there is no option {key} ({origin}); {advice}")]
    UnknownOption {
        /// The name as it was given.
        key: String,
        /// Where it was given.
        origin: Origin,
        /// The nearest known name, or how to see all of them.
        advice: String,
    },
    /// The value cannot be used for this option.
    #[error("{key} ({origin}) cannot be {value}; give {expected}")]
    BadValue {
        /// The option.
        key: &'static str,
        /// Where the value was given.
        origin: Origin,
        /// The value, or a stand-in if it is secret.
        value: String,
        /// What a good value looks like.
        expected: String,
    },
    /// An option needs a value and none followed.
    #[error("--{key} needs a value; write --{key}=VALUE")]
    MissingValue {
        /// The option.
        key: &'static str,
    },
    /// A word that is neither an option nor the value of one.
    #[error("the argument `{argument}` means nothing here; {advice}")]
    UnexpectedArgument {
        /// The word.
        argument: String,
        /// What may have been meant.
        advice: String,
    },
    /// The same option has a value here that its neighbour forbids.
    #[error("{key} ({origin}) {problem}")]
    Conflict {
        /// The option to change.
        key: &'static str,
        /// Where its value was given.
        origin: Origin,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not YAML of the expected shape.
    #[error("{}, line {line}: {problem}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Line of the problem, from 1.
        line: usize,
        /// What is wrong and what to do.
        problem: String,
    },
}
