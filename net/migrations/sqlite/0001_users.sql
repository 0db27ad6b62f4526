-- Accounts. Ids are lower-case UUIDs with dashes, times are microseconds since 1970 (0 for "not
-- set"), JSON is text. Lengths are checked before they get here, in characters.
CREATE TABLE users (
    id                       TEXT    NOT NULL PRIMARY KEY,
    username                 TEXT    NOT NULL UNIQUE,
    display_name             TEXT,
    avatar_url               TEXT,
    lang_tag                 TEXT    NOT NULL DEFAULT 'en',
    location                 TEXT,
    timezone                 TEXT,
    metadata                 TEXT    NOT NULL DEFAULT '{}',
    wallet                   TEXT    NOT NULL DEFAULT '{}',
    email                    TEXT    UNIQUE,
    password                 TEXT,
    facebook_id              TEXT    UNIQUE,
    facebook_instant_game_id TEXT    UNIQUE,
    google_id                TEXT    UNIQUE,
    gamecenter_id            TEXT    UNIQUE,
    steam_id                 TEXT    UNIQUE,
    custom_id                TEXT    UNIQUE,
    apple_id                 TEXT    UNIQUE,
    edge_count               INTEGER NOT NULL DEFAULT 0 CHECK (edge_count >= 0),
    create_time              INTEGER NOT NULL,
    update_time              INTEGER NOT NULL,
    verify_time              INTEGER NOT NULL DEFAULT 0,
    disable_time             INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE devices (
    id      TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT;

CREATE INDEX devices_by_user ON devices (user_id);

-- The system user: owner of what no player owns.
INSERT INTO users (id, username, create_time, update_time)
VALUES (
    '00000000-0000-0000-0000-000000000000',
    '',
    CAST(unixepoch('subsec') * 1000000 AS INTEGER),
    CAST(unixepoch('subsec') * 1000000 AS INTEGER)
);
