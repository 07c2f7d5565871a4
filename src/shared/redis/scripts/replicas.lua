-- The replicas of the last minute: name, position, ms since it asked.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found = {}
local names = redis.call('ZRANGE', KEYS[1], 0, 999, 'WITHSCORES')
for at = 1, #names, 2 do
  local ago = now - tonumber(names[at + 1])
  if ago < 60000 then
    found[#found + 1] = names[at]
    found[#found + 1] = redis.call('HGET', KEYS[2], names[at]) or ''
    found[#found + 1] = string.format('%.0f', math.max(ago, 0))
  end
end
return found
