-- Prints how many answers the connections have had that have had the least and the most: one connection a thread.
local threads = {}
setup = function(thread) table.insert(threads, thread) end
init = function() count = 0 end
response = function() count = count + 1 end
done = function()
  local least, most = math.huge, 0
  for _, thread in ipairs(threads) do
    local count = thread:get("count")
    least, most = math.min(least, count), math.max(most, count)
  end
  print(string.format("figures least=%d most=%d", least, most))
end
