// Package outbox is the queue of messages to a broker: bounded in bytes, emptied
// by one sender in batches, and never waited for by those who put something in.
//
//	it := outbox.Get()
//	it.Class, it.Dest = m.Class(), channel
//	it.Data = appendMessage(it.Data, m)
//	err := q.Add(it)
//
// and in the one goroutine that sends:
//
//	for {
//		batch, err := q.Take(ctx)
//		if err != nil {
//			return // closed and empty, or ctx has ended
//		}
//		n := send(batch) // how many the broker has taken
//		q.Sent(batch[:n])
//		q.Lost(batch[n:])
//	}
package outbox
