-- What was said of an input's tags.
ALTER TABLE input ADD COLUMN tags TEXT;
