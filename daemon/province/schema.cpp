#include "daemon/province/schema.hpp"

namespace gerbang::province {

const char kTables[] = R"sql(
CREATE TABLE store (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    uuid TEXT NOT NULL,
    generation INTEGER NOT NULL
);
CREATE TABLE site_row (
    site_id INTEGER PRIMARY KEY,
    site TEXT NOT NULL UNIQUE,
    first_heard_ms INTEGER NOT NULL,
    last_heard_ms INTEGER NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    name TEXT NOT NULL DEFAULT '',
    provider TEXT NOT NULL DEFAULT '',
    product TEXT NOT NULL DEFAULT '',
    medium TEXT NOT NULL DEFAULT '',
    customer_number TEXT NOT NULL DEFAULT '',
    utc_offset_s INTEGER NOT NULL DEFAULT 28800
);
CREATE TABLE epoch_row (
    epoch_id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site_row,
    epoch TEXT NOT NULL,
    through INTEGER NOT NULL DEFAULT 0,
    head BLOB NOT NULL,
    parent TEXT,
    parent_last INTEGER,
    reason TEXT,
    UNIQUE (site_id, epoch)
);
CREATE TABLE held (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (epoch_id, first)
) WITHOUT ROWID;
CREATE TABLE batch (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    before BLOB NOT NULL,
    head BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    pack BLOB NOT NULL
);
CREATE UNIQUE INDEX batch_range ON batch (epoch_id, first);
CREATE TABLE reduced_row (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    level INTEGER NOT NULL,
    PRIMARY KEY (epoch_id, first)
) WITHOUT ROWID;
CREATE TABLE series_row (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    series_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    scale INTEGER NOT NULL,
    divisor INTEGER NOT NULL,
    PRIMARY KEY (epoch_id, series_id)
) WITHOUT ROWID;
CREATE TABLE chunk (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    seq INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    level INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    offset_ms INTEGER,
    not_before_ms INTEGER,
    wall_ms INTEGER,
    wan_rx_bytes INTEGER,
    wan_tx_bytes INTEGER,
    link_state INTEGER,
    PRIMARY KEY (epoch_id, seq)
) WITHOUT ROWID;
CREATE INDEX chunk_wall ON chunk (epoch_id, wall_ms);
CREATE TABLE chunk_values (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    seq INTEGER NOT NULL,
    ticks TEXT NOT NULL,
    columns TEXT NOT NULL
);
CREATE UNIQUE INDEX chunk_values_seq ON chunk_values (epoch_id, seq);
CREATE TABLE event_row (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    kind_name TEXT NOT NULL,
    boot INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    offset_ms INTEGER,
    not_before_ms INTEGER,
    wall_ms INTEGER,
    fields TEXT NOT NULL,
    PRIMARY KEY (epoch_id, seq)
) WITHOUT ROWID;
CREATE INDEX event_kind ON event_row (epoch_id, kind, seq);
CREATE TABLE boot_row (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    boot INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    boot_id TEXT,
    PRIMARY KEY (epoch_id, boot)
) WITHOUT ROWID;
CREATE TABLE anchor_row (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    boot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    source TEXT NOT NULL,
    uncertainty_ms INTEGER NOT NULL,
    PRIMARY KEY (epoch_id, boot, seq)
) WITHOUT ROWID;
CREATE TABLE outage_row (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    outage INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    cause TEXT NOT NULL,
    last_good_boot INTEGER NOT NULL,
    last_good_ms INTEGER NOT NULL,
    first_bad_boot INTEGER NOT NULL,
    first_bad_ms INTEGER NOT NULL,
    last_bad_boot INTEGER,
    last_bad_ms INTEGER,
    first_good_boot INTEGER,
    first_good_ms INTEGER,
    evidence TEXT NOT NULL,
    link TEXT NOT NULL DEFAULT 'wan',
    confidence TEXT NOT NULL DEFAULT 'none',
    folded INTEGER,
    certain_ms INTEGER,
    possible_ms INTEGER,
    longest_certain_ms INTEGER,
    longest_possible_ms INTEGER,
    PRIMARY KEY (epoch_id, outage, segment)
) WITHOUT ROWID;
)sql";

// Version 1 kept events that it did not understand, so what newer gateways told it is all there.
const char kUpgradeTo2[] = R"sql(
ALTER TABLE outage_row ADD COLUMN link TEXT NOT NULL DEFAULT 'wan';
ALTER TABLE outage_row ADD COLUMN confidence TEXT NOT NULL DEFAULT 'none';
UPDATE outage_row SET
    link = coalesce((SELECT v.fields ->> '$.link' FROM event_row v
        WHERE v.epoch_id = outage_row.epoch_id AND v.seq = outage_row.seq), 'wan'),
    confidence = coalesce((SELECT CASE v.fields ->> '$.confidence'
        WHEN 1 THEN 'low' WHEN 2 THEN 'medium' WHEN 3 THEN 'high' END FROM event_row v
        WHERE v.epoch_id = outage_row.epoch_id AND v.seq = outage_row.seq), 'none');
UPDATE event_row SET kind_name = CASE kind WHEN 12 THEN 'power' WHEN 13 THEN 'boot_end'
    WHEN 14 THEN 'note' WHEN 15 THEN 'clock' ELSE 'path' END WHERE kind BETWEEN 12 AND 16;
PRAGMA user_version=2;
)sql";

const char kUpgradeTo3[] = R"sql(
CREATE TABLE reduced_row (
    epoch_id INTEGER NOT NULL REFERENCES epoch_row,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    level INTEGER NOT NULL,
    PRIMARY KEY (epoch_id, first)
) WITHOUT ROWID;
PRAGMA user_version=3;
)sql";

// Version 3 kept what a gateway told of folded outages, storage and summaries as it came.
const char kUpgradeTo4[] = R"sql(
ALTER TABLE outage_row ADD COLUMN folded INTEGER;
ALTER TABLE outage_row ADD COLUMN certain_ms INTEGER;
ALTER TABLE outage_row ADD COLUMN possible_ms INTEGER;
ALTER TABLE outage_row ADD COLUMN longest_certain_ms INTEGER;
ALTER TABLE outage_row ADD COLUMN longest_possible_ms INTEGER;
UPDATE outage_row SET (folded, certain_ms, possible_ms, longest_certain_ms, longest_possible_ms) =
    (SELECT v.fields ->> '$.folded', v.fields ->> '$.certain_ms', v.fields ->> '$.possible_ms',
        v.fields ->> '$.longest_certain_ms', v.fields ->> '$.longest_possible_ms'
     FROM event_row v WHERE v.epoch_id = outage_row.epoch_id AND v.seq = outage_row.seq);
UPDATE event_row SET kind_name = CASE kind WHEN 17 THEN 'storage' ELSE 'summary' END
    WHERE kind IN (17, 18);
PRAGMA user_version=4;
)sql";

// Device times of an outage's bounds may lie on an earlier boot than the event that tells them, so
// they are placed by the last anchor of their own boot before that event, else its first.
const char kViews[] = R"sql(
DROP VIEW IF EXISTS outage;
DROP VIEW IF EXISTS power;
DROP VIEW IF EXISTS boot_end;
DROP VIEW IF EXISTS note;
DROP VIEW IF EXISTS clock;
DROP VIEW IF EXISTS path;
DROP VIEW IF EXISTS storage;
DROP VIEW IF EXISTS summary;
DROP VIEW IF EXISTS loss;
DROP VIEW IF EXISTS usage_daily;
DROP VIEW IF EXISTS usage_total;
DROP VIEW IF EXISTS usage_step;
DROP VIEW IF EXISTS reading;
DROP VIEW IF EXISTS state_time;
DROP VIEW IF EXISTS reduced;
DROP VIEW IF EXISTS unverified;
DROP VIEW IF EXISTS event;
DROP VIEW IF EXISTS boot;
DROP VIEW IF EXISTS series;
DROP VIEW IF EXISTS epoch;
DROP VIEW IF EXISTS clone;
DROP VIEW IF EXISTS missing;
DROP VIEW IF EXISTS site;

CREATE VIEW site AS
SELECT site, code, name, provider, product, medium, customer_number, utc_offset_s,
    strftime('%Y-%m-%dT%H:%M:%fZ', first_heard_ms / 1000.0, 'unixepoch') AS first_heard,
    strftime('%Y-%m-%dT%H:%M:%fZ', last_heard_ms / 1000.0, 'unixepoch') AS last_heard
FROM site_row;

CREATE VIEW epoch AS
SELECT s.site, e.epoch, e.through, 
    CASE WHEN e.through = 0 OR e.head <> zeroblob(32) THEN lower(hex(e.head)) END AS head,
    e.parent, e.parent_last, e.reason,
    NOT EXISTS (SELECT 1 FROM epoch_row c WHERE c.site_id = e.site_id AND c.parent = e.epoch)
        AS is_current
FROM epoch_row e JOIN site_row s USING (site_id);

CREATE VIEW clone AS
SELECT s.site, e.epoch, c.epoch AS branch, c.parent_last AS last_common,
    strftime('%Y-%m-%dT%H:%M:%fZ', max(b.received_ms) / 1000.0, 'unixepoch') AS last_heard
FROM epoch_row c JOIN epoch_row e ON e.site_id = c.site_id AND e.epoch = c.parent
    JOIN site_row s ON s.site_id = c.site_id
    JOIN batch b ON b.epoch_id = e.epoch_id AND b.last > c.parent_last AND
        b.received_ms > (SELECT min(f.received_ms) FROM batch f WHERE f.epoch_id = c.epoch_id)
GROUP BY c.epoch_id;

CREATE VIEW missing AS
SELECT s.site, e.epoch,
    1 + coalesce((SELECT max(p.last) FROM held p WHERE p.epoch_id = h.epoch_id AND
        p.first < h.first), e.through) AS first,
    h.first - 1 AS last
FROM held h JOIN epoch_row e USING (epoch_id) JOIN site_row s USING (site_id);

CREATE VIEW series AS
SELECT s.site, e.epoch, r.series_id, r.name, r.labels, r.kind, r.unit, r.scale
FROM series_row r JOIN epoch_row e USING (epoch_id) JOIN site_row s USING (site_id);

CREATE VIEW event AS
SELECT s.site, e.epoch, v.seq, v.kind_name AS kind, v.boot, v.at_ms AS device_ms, v.wall_ms,
    strftime('%Y-%m-%dT%H:%M:%fZ', v.wall_ms / 1000.0, 'unixepoch') AS time,
    datetime(v.wall_ms / 1000 + s.utc_offset_s, 'unixepoch') AS local_time,
    v.fields
FROM event_row v JOIN epoch_row e USING (epoch_id) JOIN site_row s USING (site_id);

CREATE VIEW power AS
SELECT site, epoch, seq, time, local_time, fields ->> 'name' AS name,
    fields ->> 'kind' AS supply_kind, fields ->> 'online' AS is_online,
    fields ->> 'status' AS status, fields ->> 'capacity_percent' AS capacity_percent
FROM event WHERE kind = 'power';

CREATE VIEW boot_end AS
SELECT site, epoch, seq, time, local_time, fields ->> 'boot' AS ended_boot,
    CASE fields ->> 'ending' WHEN 1 THEN 'device_off' WHEN 2 THEN 'power' WHEN 3 THEN 'crash'
        WHEN 4 THEN 'off' WHEN 5 THEN 'reboot' END AS ending,
    CASE fields ->> 'confidence' WHEN 1 THEN 'low' WHEN 2 THEN 'medium' WHEN 3 THEN 'high'
        ELSE 'none' END AS confidence,
    fields ->> 'evidence' AS evidence
FROM event WHERE kind = 'boot_end';

CREATE VIEW note AS
SELECT site, epoch, seq, time, local_time, fields ->> 'kind' AS note_kind,
    fields ->> 'author' AS author, fields ->> 'text' AS text,
    strftime('%Y-%m-%dT%H:%M:%fZ', (fields ->> 'from_wall_ms') / 1000.0, 'unixepoch') AS from_time,
    strftime('%Y-%m-%dT%H:%M:%fZ', (fields ->> 'to_wall_ms') / 1000.0, 'unixepoch') AS to_time
FROM event WHERE kind = 'note';

CREATE VIEW clock AS
SELECT site, epoch, seq, time, local_time, (fields ->> 'correction_ms') / 1000.0 AS correction_s,
    CASE fields ->> 'source' WHEN 1 THEN 'kernel' WHEN 2 THEN 'province' WHEN 3 THEN 'operator'
        END AS source
FROM event WHERE kind = 'clock';

CREATE VIEW path AS
SELECT site, epoch, seq, time, local_time, fields ->> 'confidence' AS confidence,
    fields ->> 'path' AS path, fields ->> 'reason' AS reason
FROM event WHERE kind = 'path';

CREATE VIEW storage AS
SELECT site, epoch, seq, time, local_time, fields ->> 'state' AS state,
    fields ->> 'detail' AS detail,
    strftime('%Y-%m-%dT%H:%M:%fZ', (wall_ms - device_ms + (fields ->> 'since_ms')) / 1000.0,
        'unixepoch') AS since
FROM event WHERE kind = 'storage';

CREATE VIEW summary AS
SELECT site, epoch, seq, time, local_time,
    CASE fields ->> 'kind' WHEN 3 THEN 'start' WHEN 7 THEN 'carrier' WHEN 12 THEN 'power'
        WHEN 17 THEN 'storage' ELSE 'kind-' || (fields ->> 'kind') END AS of_kind,
    fields ->> 'count' AS count,
    strftime('%Y-%m-%dT%H:%M:%fZ', CASE boot WHEN fields ->> 'first_boot' THEN
        (wall_ms - device_ms + (fields ->> 'first_ms')) / 1000.0 END, 'unixepoch') AS from_time,
    strftime('%Y-%m-%dT%H:%M:%fZ', CASE boot WHEN fields ->> 'last_boot' THEN
        (wall_ms - device_ms + (fields ->> 'last_ms')) / 1000.0 END, 'unixepoch') AS to_time
FROM event WHERE kind = 'summary';

-- Of a loss with an id the newest event holds; max() takes its row.
CREATE VIEW loss AS
SELECT site, coalesce(of_epoch, epoch) AS epoch, first_seq AS first, last_seq AS last, what, reason,
    count,
    strftime('%Y-%m-%dT%H:%M:%fZ', first_wall_ms / 1000.0, 'unixepoch') AS from_time,
    strftime('%Y-%m-%dT%H:%M:%fZ', last_wall_ms / 1000.0, 'unixepoch') AS to_time
FROM (SELECT l.*,
    first_ms + coalesce(
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = l.epoch_id
            AND a.boot = l.first_boot AND a.seq < l.told ORDER BY a.seq DESC LIMIT 1),
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = l.epoch_id
            AND a.boot = l.first_boot ORDER BY a.seq LIMIT 1)) AS first_wall_ms,
    last_ms + coalesce(
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = l.epoch_id
            AND a.boot = l.last_boot AND a.seq < l.told ORDER BY a.seq DESC LIMIT 1),
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = l.epoch_id
            AND a.boot = l.last_boot ORDER BY a.seq LIMIT 1)) AS last_wall_ms
    FROM (SELECT s.site, e.epoch, v.epoch_id, max(v.seq) AS told, v.fields ->> 'epoch' AS of_epoch,
        v.fields ->> 'first_seq' AS first_seq, v.fields ->> 'last_seq' AS last_seq,
        v.fields ->> 'what' AS what, v.fields ->> 'reason' AS reason,
        v.fields ->> 'count' AS count, v.fields ->> 'first_boot' AS first_boot,
        v.fields ->> 'first_ms' AS first_ms, v.fields ->> 'last_boot' AS last_boot,
        v.fields ->> 'last_ms' AS last_ms
        FROM event_row v JOIN epoch_row e USING (epoch_id) JOIN site_row s USING (site_id)
        WHERE v.kind = 11 GROUP BY v.epoch_id, coalesce(v.fields ->> 'id', -v.seq)) l);

CREATE VIEW boot AS
SELECT s.site, e.epoch, b.boot, b.boot_id, b.first_seq,
    strftime('%Y-%m-%dT%H:%M:%fZ', (SELECT (a.wall_ms - a.at_ms) / 1000.0 FROM anchor_row a
        WHERE a.epoch_id = b.epoch_id AND a.boot = b.boot ORDER BY a.seq LIMIT 1),
        'unixepoch') AS started
FROM boot_row b JOIN epoch_row e USING (epoch_id) JOIN site_row s USING (site_id);

CREATE VIEW reduced AS
SELECT s.site, e.epoch, r.first, r.last, r.level,
    CASE r.level WHEN 1 THEN 60 WHEN 2 THEN 300 ELSE 3600 END AS interval_s
FROM reduced_row r JOIN epoch_row e USING (epoch_id) JOIN site_row s USING (site_id);

CREATE VIEW unverified AS
SELECT s.site, e.epoch, b.first, b.last
FROM batch b JOIN epoch_row e USING (epoch_id) JOIN site_row s USING (site_id)
WHERE (b.before = zeroblob(32) AND b.first > 1) OR b.head = zeroblob(32) OR EXISTS
    (SELECT 1 FROM reduced_row r WHERE r.epoch_id = b.epoch_id AND r.first <= b.last
        AND r.last >= b.first);

-- Parts of a reduced series stand beside it in `columns`, under '7.1' for part 1 of series 7.
CREATE VIEW reading AS
SELECT s.site, e.epoch, c.seq, c.boot, c.level, r.name, r.labels, r.kind, r.unit,
    CAST(col.key AS INTEGER) AS series_id,
    tick.value AS device_ms,
    max(tick.value + c.offset_ms, c.not_before_ms) AS wall_ms,
    strftime('%Y-%m-%dT%H:%M:%fZ', max(tick.value + c.offset_ms, c.not_before_ms) / 1000.0,
        'unixepoch') AS time,
    datetime(max(tick.value + c.offset_ms, c.not_before_ms) / 1000 + s.utc_offset_s,
        'unixepoch') AS local_time,
    CASE col.type WHEN 'array' THEN json_extract(col.value, '$[' || tick.key || ']') ELSE col.value END AS raw,
    CASE col.type WHEN 'array' THEN json_extract(col.value, '$[' || tick.key || ']') ELSE col.value END / (CASE r.scale WHEN 0 THEN 1 ELSE r.divisor * 1.0 END) AS value,
    coalesce(CASE c.level WHEN 0 THEN NULL ELSE CASE json_type(v.columns, '$."' || col.key || '.1"') WHEN 'array' THEN json_extract(v.columns, '$."' || col.key || '.1"' || '[' || tick.key || ']') ELSE json_extract(v.columns, '$."' || col.key || '.1"') END END, CASE col.type WHEN 'array' THEN json_extract(col.value, '$[' || tick.key || ']') ELSE col.value END) / (CASE r.scale WHEN 0 THEN 1 ELSE r.divisor * 1.0 END) AS minimum,
    coalesce(CASE c.level WHEN 0 THEN NULL ELSE CASE json_type(v.columns, '$."' || col.key || '.2"') WHEN 'array' THEN json_extract(v.columns, '$."' || col.key || '.2"' || '[' || tick.key || ']') ELSE json_extract(v.columns, '$."' || col.key || '.2"') END END, CASE col.type WHEN 'array' THEN json_extract(col.value, '$[' || tick.key || ']') ELSE col.value END) / (CASE r.scale WHEN 0 THEN 1 ELSE r.divisor * 1.0 END) AS maximum,
    coalesce(CASE c.level WHEN 0 THEN NULL ELSE CASE json_type(v.columns, '$."' || col.key || '.3"') WHEN 'array' THEN json_extract(v.columns, '$."' || col.key || '.3"' || '[' || tick.key || ']') ELSE json_extract(v.columns, '$."' || col.key || '.3"') END END, 1) AS count
FROM site_row s JOIN epoch_row e USING (site_id) JOIN chunk c USING (epoch_id)
    JOIN chunk_values v USING (epoch_id, seq)
    JOIN json_each(v.columns) col JOIN json_each(v.ticks) tick
    LEFT JOIN series_row r ON r.epoch_id = c.epoch_id AND r.series_id = CAST(col.key AS INTEGER)
WHERE instr(col.key, '.') = 0 AND CASE col.type WHEN 'array' THEN json_extract(col.value, '$[' || tick.key || ']') ELSE col.value END IS NOT NULL;

-- A reading as taken stands for the time since the tick before it, as in a merged point. Where that
-- is a gap, or nothing is before, it stands for as long as the next one does.
CREATE VIEW state_time AS
SELECT s.site, e.epoch, c.seq, c.boot, c.level, r.name, r.labels,
    CAST(col.key AS INTEGER) AS series_id,
    tick.value AS device_ms,
    max(tick.value + c.offset_ms, c.not_before_ms) AS wall_ms,
    strftime('%Y-%m-%dT%H:%M:%fZ', max(tick.value + c.offset_ms, c.not_before_ms) / 1000.0,
        'unixepoch') AS time,
    datetime(max(tick.value + c.offset_ms, c.not_before_ms) / 1000 + s.utc_offset_s,
        'unixepoch') AS local_time,
    CASE c.level WHEN 0 THEN CASE col.type WHEN 'array' THEN json_extract(col.value, '$[' || tick.key || ']') ELSE col.value END
        ELSE CAST(substr(col.key, instr(col.key, '.') + 1) AS INTEGER) - 16 END AS state,
    CASE c.level WHEN 0 THEN
        coalesce((SELECT gap FROM (SELECT 0 AS place, tick.value - CASE tick.key WHEN 0 THEN
                (SELECT CASE WHEN p.boot = c.boot THEN p.last_ms END FROM chunk p
                 WHERE p.epoch_id = c.epoch_id AND p.seq < c.seq ORDER BY p.seq DESC LIMIT 1)
                ELSE json_extract(v.ticks, '$[' || (tick.key - 1) || ']') END AS gap
            UNION ALL SELECT 1, json_extract(v.ticks, '$[' || (tick.key + 1) || ']') - tick.value)
            WHERE gap BETWEEN 1 AND 150000 ORDER BY place LIMIT 1), 0)
        ELSE CASE col.type WHEN 'array' THEN json_extract(col.value, '$[' || tick.key || ']') ELSE col.value END END / 1000.0 AS seconds
FROM site_row s JOIN epoch_row e USING (site_id) JOIN chunk c USING (epoch_id)
    JOIN chunk_values v USING (epoch_id, seq)
    JOIN json_each(v.columns) col JOIN json_each(v.ticks) tick
    LEFT JOIN series_row r ON r.epoch_id = c.epoch_id AND r.series_id = CAST(col.key AS INTEGER)
WHERE CASE c.level WHEN 0 THEN r.kind = 'state' AND instr(col.key, '.') = 0
        ELSE col.key LIKE '%.__%' END
    AND CASE col.type WHEN 'array' THEN json_extract(col.value, '$[' || tick.key || ']') ELSE col.value END IS NOT NULL;

CREATE VIEW usage_step AS
SELECT site, epoch, seq, wall_ms, local_day, local_hour,
    CASE WHEN rx >= rx_before THEN rx - rx_before ELSE rx END AS rx_bytes,
    CASE WHEN tx >= tx_before THEN tx - tx_before ELSE tx END AS tx_bytes
FROM (
    SELECT s.site, e.epoch, c.seq, c.wall_ms, c.wan_rx_bytes AS rx, c.wan_tx_bytes AS tx,
        date(c.wall_ms / 1000 + s.utc_offset_s, 'unixepoch') AS local_day,
        strftime('%Y-%m-%d %H:00', c.wall_ms / 1000 + s.utc_offset_s, 'unixepoch') AS local_hour,
        coalesce(lag(c.wan_rx_bytes) OVER in_epoch,
            (WITH RECURSIVE line(epoch, last, depth) AS (VALUES (e.parent, e.parent_last, 1)
                UNION ALL SELECT f.parent, f.parent_last, depth + 1 FROM line JOIN epoch_row f
                    ON f.site_id = e.site_id AND f.epoch = line.epoch WHERE depth < 256)
             SELECT (SELECT p.wan_rx_bytes FROM chunk p WHERE p.epoch_id = f.epoch_id
                     AND p.seq <= line.last AND p.wan_rx_bytes IS NOT NULL
                     ORDER BY p.seq DESC LIMIT 1) AS base
             FROM line JOIN epoch_row f ON f.site_id = e.site_id AND f.epoch = line.epoch
             WHERE base IS NOT NULL ORDER BY depth LIMIT 1), 0) AS rx_before,
        coalesce(lag(c.wan_tx_bytes) OVER in_epoch,
            (WITH RECURSIVE line(epoch, last, depth) AS (VALUES (e.parent, e.parent_last, 1)
                UNION ALL SELECT f.parent, f.parent_last, depth + 1 FROM line JOIN epoch_row f
                    ON f.site_id = e.site_id AND f.epoch = line.epoch WHERE depth < 256)
             SELECT (SELECT p.wan_tx_bytes FROM chunk p WHERE p.epoch_id = f.epoch_id
                     AND p.seq <= line.last AND p.wan_tx_bytes IS NOT NULL
                     ORDER BY p.seq DESC LIMIT 1) AS base
             FROM line JOIN epoch_row f ON f.site_id = e.site_id AND f.epoch = line.epoch
             WHERE base IS NOT NULL ORDER BY depth LIMIT 1), 0) AS tx_before
    FROM site_row s JOIN epoch_row e USING (site_id) JOIN chunk c USING (epoch_id)
    WHERE c.wan_rx_bytes IS NOT NULL AND c.wan_tx_bytes IS NOT NULL
    WINDOW in_epoch AS (PARTITION BY s.site, e.epoch ORDER BY c.seq)
);

-- sum() fails the whole query, of all sites, when one site's numbers overflow; total() does not,
-- and is exact up to 9 PB.
CREATE VIEW usage_daily AS
SELECT site, local_day AS day, CAST(total(rx_bytes) AS INTEGER) AS rx_bytes,
    CAST(total(tx_bytes) AS INTEGER) AS tx_bytes
FROM usage_step GROUP BY site, local_day;

CREATE VIEW usage_total AS
SELECT site, CAST(total(rx_bytes) AS INTEGER) AS rx_bytes,
    CAST(total(tx_bytes) AS INTEGER) AS tx_bytes
FROM usage_step GROUP BY site;

CREATE VIEW outage AS
SELECT site, epoch, outage, segment, link, cause, confidence,
    strftime('%Y-%m-%dT%H:%M:%fZ', last_good_wall_ms / 1000.0, 'unixepoch') AS last_good,
    strftime('%Y-%m-%dT%H:%M:%fZ', first_bad_wall_ms / 1000.0, 'unixepoch') AS first_bad,
    strftime('%Y-%m-%dT%H:%M:%fZ', last_bad_wall_ms / 1000.0, 'unixepoch') AS last_bad,
    strftime('%Y-%m-%dT%H:%M:%fZ', first_good_wall_ms / 1000.0, 'unixepoch') AS first_good,
    coalesce(certain_ms, max(0, last_bad_wall_ms - first_bad_wall_ms)) / 1000.0 AS least_s,
    coalesce(possible_ms, first_good_wall_ms - last_good_wall_ms) / 1000.0 AS most_s,
    first_good_ms IS NULL AS is_open,
    evidence,
    coalesce(folded, 1) AS outages,
    coalesce(longest_certain_ms, max(0, last_bad_wall_ms - first_bad_wall_ms)) / 1000.0
        AS longest_least_s,
    coalesce(longest_possible_ms, first_good_wall_ms - last_good_wall_ms) / 1000.0
        AS longest_most_s
FROM (SELECT s.site, e.epoch, o.*,
    o.last_good_ms + coalesce(
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = o.epoch_id
            AND a.boot = o.last_good_boot AND a.seq < o.seq ORDER BY a.seq DESC LIMIT 1),
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = o.epoch_id
            AND a.boot = o.last_good_boot ORDER BY a.seq LIMIT 1)) AS last_good_wall_ms,
    o.first_bad_ms + coalesce(
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = o.epoch_id
            AND a.boot = o.first_bad_boot AND a.seq < o.seq ORDER BY a.seq DESC LIMIT 1),
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = o.epoch_id
            AND a.boot = o.first_bad_boot ORDER BY a.seq LIMIT 1)) AS first_bad_wall_ms,
    o.last_bad_ms + coalesce(
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = o.epoch_id
            AND a.boot = o.last_bad_boot AND a.seq < o.seq ORDER BY a.seq DESC LIMIT 1),
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = o.epoch_id
            AND a.boot = o.last_bad_boot ORDER BY a.seq LIMIT 1)) AS last_bad_wall_ms,
    o.first_good_ms + coalesce(
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = o.epoch_id
            AND a.boot = o.first_good_boot AND a.seq < o.seq ORDER BY a.seq DESC LIMIT 1),
        (SELECT a.wall_ms - a.at_ms FROM anchor_row a WHERE a.epoch_id = o.epoch_id
            AND a.boot = o.first_good_boot ORDER BY a.seq LIMIT 1)) AS first_good_wall_ms
    FROM outage_row o JOIN epoch_row e USING (epoch_id) JOIN site_row s USING (site_id));
)sql";

}  // namespace gerbang::province
