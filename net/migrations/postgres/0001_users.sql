-- Accounts. Types and meanings are those of ../sqlite: ids are lower-case UUIDs with dashes, times are
-- microseconds since 1970 (0 for "not set"), JSON is text. COLLATE "C" gives text the order that it has in
-- SQLite. Lengths are checked before they get here, in characters.
CREATE TABLE users (
    id                       TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    username                 TEXT   COLLATE "C" NOT NULL UNIQUE,
    display_name             TEXT   COLLATE "C",
    avatar_url               TEXT   COLLATE "C",
    lang_tag                 TEXT   COLLATE "C" NOT NULL DEFAULT 'en',
    location                 TEXT   COLLATE "C",
    timezone                 TEXT   COLLATE "C",
    metadata                 TEXT   COLLATE "C" NOT NULL DEFAULT '{}',
    wallet                   TEXT   COLLATE "C" NOT NULL DEFAULT '{}',
    email                    TEXT   COLLATE "C" UNIQUE,
    password                 TEXT   COLLATE "C",
    facebook_id              TEXT   COLLATE "C" UNIQUE,
    facebook_instant_game_id TEXT   COLLATE "C" UNIQUE,
    google_id                TEXT   COLLATE "C" UNIQUE,
    gamecenter_id            TEXT   COLLATE "C" UNIQUE,
    steam_id                 TEXT   COLLATE "C" UNIQUE,
    custom_id                TEXT   COLLATE "C" UNIQUE,
    apple_id                 TEXT   COLLATE "C" UNIQUE,
    edge_count               BIGINT NOT NULL DEFAULT 0 CHECK (edge_count >= 0),
    create_time              BIGINT NOT NULL,
    update_time              BIGINT NOT NULL,
    verify_time              BIGINT NOT NULL DEFAULT 0,
    disable_time             BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE devices (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX devices_by_user ON devices (user_id);

-- The system user: owner of what no player owns.
INSERT INTO users (id, username, create_time, update_time)
VALUES (
    '00000000-0000-0000-0000-000000000000',
    '',
    CAST(extract(epoch FROM now()) * 1000000 AS BIGINT),
    CAST(extract(epoch FROM now()) * 1000000 AS BIGINT)
);

-- SQLite's way to make rows of a list that is one parameter, the text of a JSON array:
-- `IN (SELECT value FROM json_each($1))`. Keys count from 0.
CREATE FUNCTION json_each(list TEXT) RETURNS TABLE (key BIGINT, value TEXT)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10
AS $$
    SELECT place - 1, element
    FROM json_array_elements_text(CAST(list AS JSON)) WITH ORDINALITY AS each (element, place)
$$;
