// A worker that only ticks: the timers of a page in the background are slowed down to one a minute, a worker's are not.

setInterval(() => postMessage(null), 250);
