-- Removes records that have ended by the clocks of the server and of the replica that asks: one
-- clock that is wrong must not end a revocation. ARGV: the time of the replica.
if not is_whole() then return 0 end
local before = math.min(now, tonumber(ARGV[1])) - 120000
local ids = redis.call('ZRANGEBYSCORE', ends, '-inf', whole(before), 'LIMIT', 0, 1000)
for _, id in ipairs(ids) do
  redis.call('HDEL', records, id)
  redis.call('ZREM', changes, id)
  redis.call('ZREM', ends, id)
end
if #ids > 0 then redis.call('HINCRBY', about, 'count', whole(-#ids)) end
return #ids
