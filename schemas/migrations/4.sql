-- By whose clock an input was read.
ALTER TABLE input ADD COLUMN zone TEXT;
