-- Writes ARGV[1] for ARGV[2] ms unless the key has a value; then returns that and its time left.
local held = redis.call('GET', KEYS[1])
if held then return {held, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
