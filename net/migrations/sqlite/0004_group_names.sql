-- The name in lower case, by which groups are searched for. No group was made before this.
ALTER TABLE groups ADD COLUMN name_folded TEXT NOT NULL DEFAULT '';

CREATE INDEX groups_by_name ON groups (name_folded, name);
