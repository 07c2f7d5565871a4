-- Merges records into the set. ARGV: the name of a new set, the most records, the channel, the time of
-- the replica, and for each record: id, kind, value, ms left (-1: no end), stamp (0: new), 1 if it is
-- removed. A record ends by the later one of both clocks, for the server's may be behind and be put right;
-- a replica whose clock is wrong by years must not fill the set with records that never end.
if not is_whole() then begin(ARGV[1]) end
local number, stamp, count = field('number'), field('stamp'), field('count')
local added = 0
for at = 5, #ARGV, 6 do
  if redis.call('HEXISTS', records, ARGV[at]) == 0 then added = added + 1 end
end
if count + added > tonumber(ARGV[2]) then
  return redis.error_reply('FULL the set has its most records')
end

-- Whether an end (0: none) is later than another one by more than clocks differ.
local function is_later(new, known)
  if known == 0 then return false end
  return new == 0 or new > known + 60000
end

local later = math.max(now, math.min(tonumber(ARGV[4]), now + 30 * 86400000))
local changed = false
for at = 5, #ARGV, 6 do
  local id, kind = ARGV[at], ARGV[at + 1]
  local value, left = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local made, removed = tonumber(ARGV[at + 4]), ARGV[at + 5]
  local is_command = made == 0
  if is_command then
    stamp = math.max(stamp + 1, now)
    made = stamp
  else
    stamp = math.max(stamp, made)
  end
  local finish = 0
  if left >= 0 then finish = later + left end
  local known = redis.call('HGET', records, id)
  local write = true
  if known then
    local old_kind, old_value, old_finish, old_made, old_removed =
      string.match(known, '^(%d+) (%d+) (%d+) (%d+) (%d)$')
    old_value, old_finish, old_made =
      tonumber(old_value), tonumber(old_finish), tonumber(old_made)
    if old_removed == removed then
      local longer = is_later(finish, old_finish)
      write = is_command or longer or value > old_value or made > old_made
      kind = old_kind
      value = math.max(value, old_value)
      if not longer then finish = old_finish end
      made = math.max(made, old_made)
    else
      write = made > old_made or (made == old_made and removed == '0')
    end
  else
    count = count + 1
  end
  if write then
    changed = true
    number = number + 1
    redis.call('HSET', records, id,
      kind .. ' ' .. whole(value) .. ' ' .. whole(finish) .. ' ' .. whole(made) .. ' ' .. removed)
    redis.call('ZADD', changes, whole(number), id)
    if finish == 0 then
      redis.call('ZREM', ends, id)
    else
      redis.call('ZADD', ends, whole(finish), id)
    end
  end
end
redis.call('HSET', about, 'number', whole(number), 'stamp', whole(stamp), 'count', whole(count))
if changed then redis.call('PUBLISH', ARGV[3], whole(number)) end
return {redis.call('HGET', about, 'generation'), whole(number)}
