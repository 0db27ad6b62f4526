-- Chat that is kept. A channel is a stream, whose ids are nil UUIDs where there are none; content is
-- the text of a JSON object, as it was sent. Times are microseconds since 1970.
CREATE TABLE messages (
    id                TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    stream_mode       BIGINT NOT NULL,
    stream_subject    TEXT   COLLATE "C" NOT NULL,
    stream_subcontext TEXT   COLLATE "C" NOT NULL,
    stream_label      TEXT   COLLATE "C" NOT NULL,
    code              BIGINT NOT NULL,
    sender_id         TEXT   COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    username          TEXT   COLLATE "C" NOT NULL,
    content           TEXT   COLLATE "C" NOT NULL,
    create_time       BIGINT NOT NULL,
    update_time       BIGINT NOT NULL
);

CREATE INDEX messages_in_channel ON messages (
    stream_mode, stream_subject, stream_subcontext, stream_label, create_time, id
);
CREATE INDEX messages_by_sender ON messages (sender_id);

-- What users have been told and have not deleted. No sender is the server.
CREATE TABLE notifications (
    id          TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    user_id     TEXT   COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subject     TEXT   COLLATE "C" NOT NULL,
    content     TEXT   COLLATE "C" NOT NULL,
    code        BIGINT NOT NULL,
    sender_id   TEXT   COLLATE "C",
    create_time BIGINT NOT NULL
);

CREATE INDEX notifications_of_user ON notifications (user_id, create_time, id);
