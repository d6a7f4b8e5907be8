/**
 * All-reduce: the sum of an array over all ranks, on every rank, the same to the bit.
 *
 * <p>Main type: {@link io.sluice.training.allreduce.AllReduce}. A {@link
 * io.sluice.training.allreduce.Rendezvous} brings the ranks together, {@link
 * io.sluice.training.allreduce.AllReduceSettings} says how numbers travel, a {@link
 * io.sluice.training.allreduce.PeerLostException} whose failure ended it.
 *
 * <p>Depends on {@code training.transport}.
 *
 * <p>The decision worth knowing: all of a rank's sums are one state machine on the one thread of
 * its endpoint. A piece that arrives is added to the gradient and sent on from the gradient, with
 * no queue between, no lock, and no copy but those to and from the socket. The order of additions
 * is that of the ranks, never that of arrival: a result is the same in every run of as many ranks.
 *
 * <p><b>Long arrays</b> go around a ring, <b>short ones</b> by recursive halving and doubling, of
 * which few numbers take the short way. {@code ringBytes} draws the line, at so many bytes a rank:
 * a ring's 2(R−1) hops cost more the longer it is, and what halving and doubling copies costs the
 * same for any R.
 *
 * <p><b>Ranks that are ahead.</b> A ring sum is sent only to a rank that has begun it, so nothing
 * of it is ever staged. Of short arrays, a rank that is behind keeps what its partners send: at
 * most 32 sums are under way at a rank, so at most 32 arrays that do not go around the ring, of 1
 * MiB or less, from each of its log₂ R partners. Of a step it is as many as there are buckets.
 *
 * <p><b>Failure.</b> Who fails tells its partners why before it goes, and who hears of a failure
 * passes it on: the first one is the message on all ranks, whoever is linked with whom. A rank that
 * leaves when it is done is no failure. A buffer that was given to a sum that failed is not touched
 * any more once {@code await} has thrown.
 *
 * <p><b>Considered:</b> holding back ranks that are ahead by not reading from them. It would stop
 * their heartbeats too, and with several sums under way one that is needed can wait behind one that
 * is not begun.
 *
 * <p><b>Considered:</b> an all-reduce on threads, one for each direction. On two cores they compete
 * with the ones that compute; a busy event loop fills one core and leaves the other.
 *
 * <p><b>Encodings</b> of which sums make no sense on the way are gathered: each rank's message, of
 * any length up to a limit, goes around the ring to all others. Thresholds with a residual travel
 * so, and the ids of rows of an embedding before their sum ({@code training.loop}). What arrives is
 * staged in memory until it is decoded, at most R times the limit for each gather under way.
 */
package io.sluice.training.allreduce;
