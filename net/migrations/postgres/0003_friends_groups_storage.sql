-- What users are to each other, groups, and storage. Positions are the nanoseconds since 1970 at which a
-- relation began: they order a listing within a state and outlive changes of the state.

-- From the source's point of view: 0 friend, 1 invite sent, 2 invite received, 3 blocked. A friendship or
-- an invite is two rows, one a direction; a block is one.
CREATE TABLE friends (
    source_id      TEXT   COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    destination_id TEXT   COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state          BIGINT NOT NULL CHECK (state BETWEEN 0 AND 3),
    position       BIGINT NOT NULL,
    metadata       TEXT   COLLATE "C" NOT NULL DEFAULT '{}',
    update_time    BIGINT NOT NULL,
    PRIMARY KEY (source_id, destination_id),
    CHECK (source_id <> destination_id)
);

CREATE INDEX friends_in_order ON friends (source_id, state, position);
CREATE INDEX friends_by_destination ON friends (destination_id);

-- The state is 0 for open, 1 for closed. Edges that count are those with a state below 3.
CREATE TABLE groups (
    id           TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    creator_id   TEXT   COLLATE "C" NOT NULL,
    name         TEXT   COLLATE "C" NOT NULL UNIQUE,
    description  TEXT   COLLATE "C" NOT NULL DEFAULT '',
    avatar_url   TEXT   COLLATE "C" NOT NULL DEFAULT '',
    lang_tag     TEXT   COLLATE "C" NOT NULL DEFAULT 'en',
    metadata     TEXT   COLLATE "C" NOT NULL DEFAULT '{}',
    state        BIGINT NOT NULL DEFAULT 1 CHECK (state BETWEEN 0 AND 1),
    edge_count   BIGINT NOT NULL DEFAULT 1,
    max_count    BIGINT NOT NULL DEFAULT 100 CHECK (max_count >= 1),
    create_time  BIGINT NOT NULL,
    update_time  BIGINT NOT NULL,
    disable_time BIGINT NOT NULL DEFAULT 0,
    CHECK (edge_count BETWEEN 1 AND max_count)
);

-- One for every order in which groups are listed; only the listing by name has groups that are disabled.
CREATE INDEX groups_in_order ON groups (update_time, edge_count, id) WHERE disable_time = 0;
CREATE INDEX groups_of_state ON groups (state, update_time, edge_count, id) WHERE disable_time = 0;
CREATE INDEX groups_by_count ON groups (edge_count, update_time, id) WHERE disable_time = 0;
CREATE INDEX groups_of_language ON groups (lang_tag, edge_count, id) WHERE disable_time = 0;
CREATE INDEX groups_of_state_by_count ON groups (state, edge_count, lang_tag, id)
    WHERE disable_time = 0;
CREATE INDEX groups_of_state_and_language ON groups (state, lang_tag, edge_count, id)
    WHERE disable_time = 0;

-- Between a group and a user: 0 superadmin, 1 admin, 2 member, 3 join request, 4 banned. Two rows, one a
-- direction, with the same state and position; a ban is one row, from the group to the user.
CREATE TABLE group_edges (
    source_id      TEXT   COLLATE "C" NOT NULL,
    destination_id TEXT   COLLATE "C" NOT NULL,
    state          BIGINT NOT NULL CHECK (state BETWEEN 0 AND 4),
    position       BIGINT NOT NULL,
    update_time    BIGINT NOT NULL,
    PRIMARY KEY (source_id, destination_id)
);

CREATE INDEX group_edges_in_order ON group_edges (source_id, state, position);
CREATE INDEX group_edges_by_destination ON group_edges (destination_id);

-- The owner of what is nobody's is the system user. The version is the MD5 of the value's text as it was
-- sent. Reading: 0 nobody, 1 the owner, 2 anybody; writing: 0 nobody, 1 the owner.
CREATE TABLE storage (
    collection       TEXT   COLLATE "C" NOT NULL,
    key              TEXT   COLLATE "C" NOT NULL,
    user_id          TEXT   COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    value            TEXT   COLLATE "C" NOT NULL,
    version          TEXT   COLLATE "C" NOT NULL,
    read_permission  BIGINT NOT NULL DEFAULT 1 CHECK (read_permission BETWEEN 0 AND 2),
    write_permission BIGINT NOT NULL DEFAULT 1 CHECK (write_permission BETWEEN 0 AND 1),
    create_time      BIGINT NOT NULL,
    update_time      BIGINT NOT NULL,
    PRIMARY KEY (collection, key, user_id)
);

-- For what anybody may read, across owners; and for the objects of one owner.
CREATE INDEX storage_by_permission ON storage (collection, read_permission, key, user_id);
CREATE INDEX storage_of_user ON storage (user_id, collection, read_permission, key);

-- Users that were deleted for good, so that nothing makes them again.
CREATE TABLE user_tombstones (
    user_id     TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    create_time BIGINT NOT NULL
);
