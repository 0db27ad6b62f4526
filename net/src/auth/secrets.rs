//! The keys of a server: given by the operator, or generated once and kept in the data folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::config::{Config, ConfigError, Secret, read_pairs};

/// The keys of a running server. They are never empty and no two are equal.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// What clients present to log in; public, as every copy of a game has it.
    pub server_key: Secret,
    /// Signs session tokens and matchmaker tokens.
    pub session_key: Secret,
    /// Signs refresh tokens.
    pub refresh_key: Secret,
    /// Lets other servers call functions.
    pub http_key: Secret,
}

/// Why the server's keys cannot be used. The text is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// A key that everyone knows would be open to the network.
    #[error(
        "{key} is still a well-known default, which anyone can guess, and socket.address is \
         {address}; set {key} to something else, leave it out to have one generated, or listen \
         on 127.0.0.1"
    )]
    WellKnown {
        /// The option to change.
        key: &'static str,
        /// The address that is not local.
        address: std::net::IpAddr,
    },
    /// A signing key that could be guessed would be open to the network.
    #[error(
        "{key} is shorter than {} bytes, too short to face a network; set a longer one, or leave \
         it out to have one generated",
        SIGNING_KEY_BYTES_MIN
    )]
    Short {
        /// The option to change.
        key: &'static str,
    },
    /// A key is the empty text.
    #[error("{key} is empty; set it, or leave it out to have one generated")]
    Empty {
        /// The option to change.
        key: &'static str,
    },
    /// Two keys are the same.
    #[error("{key} and {other} are equal; change one of them")]
    Equal {
        /// One option.
        key: &'static str,
        /// The other option.
        other: &'static str,
    },
    /// Others can read the file of generated keys.
    #[error("{} can be read by other users; run `chmod 600` on it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file of generated keys cannot be understood.
    #[error(transparent)]
    Malformed(ConfigError),
    /// The file of generated keys cannot be read or written.
    #[error("cannot keep secrets in {}: {source}; make the folder writable or set another data_dir", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Name of the file in the data folder.
const FILE: &str = "secrets.yml";
/// The output size of SHA-256: a shorter HMAC key is weaker than the MAC (RFC 7518, 3.2).
const SIGNING_KEY_BYTES_MIN: usize = 32;
/// What the reference server and its documentation use.
const WELL_KNOWN: [&str; 7] = [
    "defaultkey",
    "defaulthttpkey",
    "defaultencryptionkey",
    "defaultrefreshencryptionkey",
    "defaultsigningkey",
    "password",
    "the-key-has-to-be-32-bytes-long!",
];
const SERVER_KEY: &str = "socket.server_key";
const SESSION_KEY: &str = "session.encryption_key";
const REFRESH_KEY: &str = "session.refresh_encryption_key";
const HTTP_KEY: &str = "runtime.http_key";

impl Secrets {
    /// Takes the keys of the configuration, and generates those it lacks.
    ///
    /// Generated keys are kept in `secrets.yml` in the data folder and used again at the next
    /// start. On a loopback address the server key is `defaultkey` unless one is set.
    ///
    /// # Errors
    ///
    /// [`SecretsError`] if a key is unfit or the file cannot be used; the server must not start.
    pub fn prepare(config: &Config) -> Result<Self, SecretsError> {
        let local = config.socket.address.is_loopback();
        let server_key = match &config.socket.server_key {
            None if local => Some(Secret::new("defaultkey")),
            given => given.clone(),
        };
        let mut vault = Vault::open(&config.data_dir)?;
        let secrets = Self {
            server_key: server_key.unwrap_or_else(|| vault.take(SERVER_KEY)),
            session_key: given_or_kept(&config.session.encryption_key, &mut vault, SESSION_KEY),
            refresh_key: given_or_kept(
                &config.session.refresh_encryption_key,
                &mut vault,
                REFRESH_KEY,
            ),
            http_key: given_or_kept(&config.runtime.http_key, &mut vault, HTTP_KEY),
        };
        secrets.check()?;
        if !local {
            secrets.check_against_strangers(config.socket.address)?;
        }
        vault.save()?;
        Ok(secrets)
    }

    fn named(&self) -> [(&'static str, &str); 4] {
        [
            (SERVER_KEY, self.server_key.expose()),
            (SESSION_KEY, self.session_key.expose()),
            (REFRESH_KEY, self.refresh_key.expose()),
            (HTTP_KEY, self.http_key.expose()),
        ]
    }

    fn check(&self) -> Result<(), SecretsError> {
        let named = self.named();
        for (i, (key, value)) in named.iter().enumerate() {
            if value.is_empty() {
                return Err(SecretsError::Empty { key });
            }
            if let Some((other, _)) = named[..i].iter().find(|(_, other)| other == value) {
                return Err(SecretsError::Equal { key, other });
            }
        }
        Ok(())
    }

    fn check_against_strangers(&self, address: std::net::IpAddr) -> Result<(), SecretsError> {
        for (key, value) in self.named() {
            if WELL_KNOWN.contains(&value) {
                return Err(SecretsError::WellKnown { key, address });
            }
            let signs = matches!(key, SESSION_KEY | REFRESH_KEY);
            if signs && value.len() < SIGNING_KEY_BYTES_MIN {
                return Err(SecretsError::Short { key });
            }
        }
        Ok(())
    }
}

fn given_or_kept(given: &Option<Secret>, vault: &mut Vault, key: &'static str) -> Secret {
    given.clone().unwrap_or_else(|| vault.take(key))
}

/// The file of generated keys.
struct Vault {
    path: PathBuf,
    kept: BTreeMap<String, String>,
    grown: bool,
}

impl Vault {
    fn open(folder: &Path) -> Result<Self, SecretsError> {
        let path = folder.join(FILE);
        let mut kept = BTreeMap::new();
        if path.exists() {
            refuse_exposed(&path)?;
            kept.extend(read_pairs(&path).map_err(SecretsError::Malformed)?);
        }
        Ok(Self {
            path,
            kept,
            grown: false,
        })
    }

    /// The kept key of this name, or a new one.
    fn take(&mut self, key: &'static str) -> Secret {
        let kept = self.kept.entry(key.to_owned()).or_insert_with(|| {
            self.grown = true;
            generate()
        });
        Secret::new(kept.clone())
    }

    fn save(&self) -> Result<(), SecretsError> {
        if !self.grown {
            return Ok(());
        }
        self.write().map_err(|source| SecretsError::Io {
            path: self.path.clone(),
            source,
        })
    }

    /// Written beside the file and moved over it, so that it is whole or not there.
    fn write(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        create_private_folder(folder)?;
        let draft = folder.join(format!(".{FILE}.{}", std::process::id()));
        let written = self.write_draft(&draft);
        let moved = written.and_then(|()| fs::rename(&draft, &self.path));
        if moved.is_err() {
            // The first error is the one to tell.
            drop(fs::remove_file(&draft));
        }
        moved
    }

    fn write_draft(&self, draft: &Path) -> io::Result<()> {
        let mut file = open_private_file(draft)?;
        file.set_len(0)?;
        writeln!(
            file,
            "# Keys generated at the first start. Whoever reads them can sign in as anyone."
        )?;
        for (key, value) in &self.kept {
            writeln!(file, "{key}: {}", serde_json::Value::from(value.as_str()))?;
        }
        file.sync_all()
    }
}

/// 256 random bits, as text that needs no quoting anywhere.
fn generate() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Makes a folder, and those above it, that only this user can enter.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file for adding to it; a new one can be read by this user only.
pub(crate) fn open_private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn refuse_exposed(path: &Path) -> Result<(), SecretsError> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = fs::metadata(path).map_err(|source| SecretsError::Io {
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(SecretsError::Exposed {
            path: path.to_owned(),
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path) -> Result<(), SecretsError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Command, Defaults};

    fn config(folder: &Path, args: &[&str]) -> Config {
        let folder = format!("--data_dir={}", folder.display());
        let args = args.iter().copied().chain([folder.as_str()]);
        let args: Vec<_> = args.map(Into::into).collect();
        match config::load(args, [], &Defaults::new()).unwrap() {
            Command::Run(config) => *config,
            other => panic!("{other:?}"),
        }
    }

    fn prepare(folder: &Path, args: &[&str]) -> Result<Secrets, String> {
        Secrets::prepare(&config(folder, args)).map_err(|error| error.to_string())
    }

    fn exposed(secrets: &Secrets) -> Vec<String> {
        let named = secrets.named();
        named.iter().map(|(_, value)| (*value).to_owned()).collect()
    }

    #[test]
    fn generated_keys_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new/folder");
        let first = prepare(&folder, &[]).unwrap();
        let second = prepare(&folder, &[]).unwrap();
        assert_eq!(exposed(&first), exposed(&second));
        assert_eq!(first.server_key.expose(), "defaultkey");
        assert_eq!(first.session_key.expose().len(), 43);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path(), &[]).unwrap();
        let path = dir.path().join(FILE);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let text = prepare(dir.path(), &[]).unwrap_err();
        assert!(text.contains("chmod 600"), "{text}");
    }

    #[test]
    fn a_later_key_joins_the_kept_ones() {
        let dir = tempfile::tempdir().unwrap();
        let first = prepare(dir.path(), &[]).unwrap();
        let open = prepare(dir.path(), &["--socket.address=0.0.0.0"]).unwrap();
        assert_eq!(first.session_key.expose(), open.session_key.expose());
        assert_eq!(open.server_key.expose().len(), 43, "generated");
        let again = prepare(dir.path(), &["--socket.address=0.0.0.0"]).unwrap();
        assert_eq!(exposed(&open), exposed(&again));
    }

    #[test]
    fn explicit_keys_win_and_need_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let args = [
            "--session.encryption_key=a",
            "--session.refresh_encryption_key=b",
            "--runtime.http_key=c",
            "--socket.server_key=d",
        ];
        let secrets = prepare(dir.path(), &args).unwrap();
        assert_eq!(exposed(&secrets), ["d", "a", "b", "c"]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn unfit_keys_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let long = format!("--session.encryption_key={}", "x".repeat(32));
        let cases: &[(&[&str], &str)] = &[
            (
                &["--session.encryption_key="],
                "session.encryption_key is empty",
            ),
            (&["--runtime.http_key=defaultkey"], "are equal"),
            (
                &[
                    "--session.encryption_key=a",
                    "--session.refresh_encryption_key=a",
                ],
                "session.refresh_encryption_key and session.encryption_key are equal",
            ),
            (
                &["--socket.address=0.0.0.0", "--socket.server_key=defaultkey"],
                "socket.server_key is still a well-known default",
            ),
            (
                &["--socket.address=::", "--runtime.http_key=defaulthttpkey"],
                "runtime.http_key is still",
            ),
            (
                &[
                    "--socket.address=192.0.2.1",
                    "--session.encryption_key=defaultencryptionkey",
                ],
                "session.encryption_key is still",
            ),
            (
                &[
                    "--socket.address=0.0.0.0",
                    &long,
                    "--session.refresh_encryption_key=defaultrefreshencryptionkey",
                ],
                "session.refresh_encryption_key is still",
            ),
            (
                &["--socket.address=0.0.0.0", "--session.encryption_key=short"],
                "shorter than 32 bytes",
            ),
        ];
        for (args, part) in cases {
            let text = prepare(dir.path(), args).unwrap_err();
            assert!(text.contains(part), "{args:?} said: {text}");
            assert!(!text.contains('\n'), "{text}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing kept");
    }

    #[test]
    fn well_known_keys_will_do_on_this_machine() {
        let dir = tempfile::tempdir().unwrap();
        let args = [
            "--socket.address=::1",
            "--session.encryption_key=defaultencryptionkey",
            "--session.refresh_encryption_key=defaultrefreshencryptionkey",
            "--runtime.http_key=defaulthttpkey",
        ];
        prepare(dir.path(), &args).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let text = prepare(&dir.path().join("file/folder"), &[]).unwrap_err();
        assert!(text.contains("data_dir"), "{text}");
    }

    #[test]
    fn a_broken_file_is_told_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        drop(open_private_file(&path).unwrap());
        fs::write(&path, "- not\n- pairs\n").unwrap();
        let text = prepare(dir.path(), &[]).unwrap_err();
        assert!(text.contains("line 1"), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "- not\n- pairs\n");
    }

    #[test]
    fn debug_shows_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = prepare(dir.path(), &[]).unwrap();
        let text = format!("{secrets:?}");
        assert!(exposed(&secrets).iter().all(|key| !text.contains(key)));
    }
}
