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
-- A full server takes no writes; the changes can be read all the same.
redis.pcall('ZADD', replicas, whole(now), ARGV[5])
redis.pcall('HSET', positions, ARGV[5], ARGV[6])
local gone = redis.call('ZRANGEBYSCORE', replicas, '-inf', whole(now - 60000), 'LIMIT', 0, 100)
for _, name in ipairs(gone) do
  redis.call('ZREM', replicas, name)
  redis.call('HDEL', positions, name)
end
return {generation, whole(last), restarted, whole(now - field('born')), whole(now), found}
