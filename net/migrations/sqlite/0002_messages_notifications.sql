-- Chat that is kept. A channel is a stream, whose ids are nil UUIDs where there are none; content is
-- the text of a JSON object, as it was sent. Times are microseconds since 1970.
CREATE TABLE messages (
    id                TEXT    NOT NULL PRIMARY KEY,
    stream_mode       INTEGER NOT NULL,
    stream_subject    TEXT    NOT NULL,
    stream_subcontext TEXT    NOT NULL,
    stream_label      TEXT    NOT NULL,
    code              INTEGER NOT NULL,
    sender_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    username          TEXT    NOT NULL,
    content           TEXT    NOT NULL,
    create_time       INTEGER NOT NULL,
    update_time       INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_in_channel ON messages (
    stream_mode, stream_subject, stream_subcontext, stream_label, create_time, id
);
CREATE INDEX messages_by_sender ON messages (sender_id);

-- What users have been told and have not deleted. No sender is the server.
CREATE TABLE notifications (
    id          TEXT    NOT NULL PRIMARY KEY,
    user_id     TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subject     TEXT    NOT NULL,
    content     TEXT    NOT NULL,
    code        INTEGER NOT NULL,
    sender_id   TEXT,
    create_time INTEGER NOT NULL
) STRICT;

CREATE INDEX notifications_of_user ON notifications (user_id, create_time, id);
