-- The changes after a position, and a note that the replica is there. ARGV: the name of a new set,
-- the set and the number of the position, the most changes, the name of the replica, and the position
-- up to which it has everything.
local replicas, positions = KEYS[5], KEYS[6]
if not is_whole() then begin(ARGV[1]) end
local generation = redis.call('HGET', about, 'generation')
local number, from = field('number'), tonumber(ARGV[3])
local restarted = 0
if generation ~= ARGV[2] or from > number then
  restarted = 1
  from = 0
end
local ids = redis.call('ZRANGEBYSCORE', changes, '(' .. whole(from), '+inf', 'WITHSCORES', 'LIMIT',
  0, ARGV[4])
local found, last = {}, number
for at = 1, #ids, 2 do
  found[#found + 1] = ids[at]
  found[#found + 1] = redis.call('HGET', records, ids[at])
end
if #ids >= 2 * tonumber(ARGV[4]) then last = tonumber(ids[#ids]) end
-- A full server takes no writes; its changes can still be read. Those of a copy are not: a copy may
-- be behind, or have lost its source.
local noted, writable = redis.pcall('ZADD', replicas, whole(now), ARGV[5]), 1
if type(noted) == 'table' and noted.err then
  if string.find(noted.err, 'READONLY', 1, true) then
    return redis.error_reply('READONLY it is a copy that takes no writes')
  end
  writable = 0
else
  redis.call('HSET', positions, ARGV[5], ARGV[6])
end
local gone = redis.call('ZRANGEBYSCORE', replicas, '-inf', whole(now - 60000), 'LIMIT', 0, 100)
for _, name in ipairs(gone) do
  redis.call('ZREM', replicas, name)
  redis.call('HDEL', positions, name)
end
return {generation, whole(last), restarted, whole(now - field('born')), whole(now), writable, found}
