-- The first part of every script of the set. Numbers are written without an exponent.
local records, changes, ends, about = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local function whole(number) return string.format('%.0f', number) end
local function field(name) return tonumber(redis.call('HGET', about, name) or '0') end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- The set is lost if any of its parts is: the server may have evicted it, or have been restarted
-- with an older copy. It then begins again under another name, which no set had before, and the
-- replicas fill it.
local function is_whole()
  local count = redis.call('HLEN', records)
  return redis.call('HEXISTS', about, 'generation') == 1
    and count == field('count') and count == redis.call('ZCARD', changes)
end

local function begin(name)
  redis.call('DEL', records, changes, ends, about)
  redis.call('HSET', about, 'generation', name .. '-' .. whole(now), 'born', whole(now),
    'number', '0', 'stamp', '0', 'count', '0')
end
