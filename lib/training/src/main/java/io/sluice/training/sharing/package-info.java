/**
 * Gradient sharing: the loop in the ranks of a Spark barrier stage.
 *
 * <p>Main type: {@link io.sluice.training.sharing.GradientSharing}. An attempt is one barrier
 * stage: {@code Attempt} is its story on the driver, {@code RankTask} in each task, {@code Message}
 * what they say to each other.
 *
 * <p>A rank has all of the network ({@code ReplicaRanks}) or, where a run has a pipeline, one of
 * its stages ({@code StageRanks}); how ranks are started, watched, stopped and started again is the
 * same.
 *
 * <p>Depends on Spark, {@code training.loop}, {@code training.pipeline}, {@code training.allreduce}
 * and {@code training.transport}.
 *
 * <p>The decision worth knowing: the driver retries, not Spark. Spark would resubmit a failed
 * barrier stage with as many tasks as before and wait for slots that may never come back; it counts
 * failures over the whole run; and it learns of a lost executor later than its peers do. Here the
 * first failure that reaches the driver ends the attempt, the Spark job is cancelled, and the next
 * one begins at the newest checkpoint with the ranks that there are slots for. A task that Spark
 * retries by itself meanwhile fails at once.
 *
 * <p><b>Waits.</b> For slots and for ranks to find each other: {@code join-timeout}. For the
 * slowest rank's part of a step: {@code step-timeout}, at the ranks and, a little later, at the
 * driver. For a sign of life of a peer: {@code silence-timeout}, kept up by the transport's own
 * thread, so that a slow rank is not taken for a lost one.
 *
 * <p><b>Executors that hang.</b> Spark keeps one that is silent for two minutes, with its slots,
 * and one whose task never ends for ever. What still holds a task when an attempt is over is killed
 * and replaced through Spark ({@code RankTasks}); should its rank wake before, it finds its links
 * closed, may write no checkpoint any more, and ends.
 *
 * <p><b>Devices.</b> A rank computes on the GPU that Spark gave its task ({@code scoring.device}),
 * or on the CPU, and says so when it joins. The driver refuses a mix: it would be as fast as its
 * CPUs. Where executors have GPUs, only the barrier stage asks for them, and slots are counted for
 * that.
 *
 * <p><b>Whose failure.</b> When a rank dies, all others fail too. The driver waits two seconds for
 * what comes in and shows the failure that is closest to the cause: a rank's own before what its
 * peers noticed, and Spark's word on why an executor was removed before both.
 *
 * <p><b>What a step costs.</b> With R ranks that have batches of the same size, a step takes
 *
 * <pre>{@code
 * T(R) = m + d·e(R) + max(A₁, A − O) + ⌈log₂R⌉·h
 * A    = Σ over buckets of n bytes:  ring                 2(R−1)·h    + 2(R−1)/R · n/r
 *                                    halving, doubling    2⌈log₂R⌉·h  + 2(R−1)/R · n/r
 * }</pre>
 *
 * with m and d the mean and deviation of one rank's step, e(R) the expected greatest of R standard
 * normal numbers (0.56 for 2, 1.42 for 8, 2.34 for 64, 3.04 for 512), h a hop from one rank's
 * thread to the next one's, r the rate of carrying and adding, A₁ the last bucket's part, and O the
 * backward pass below the first bucket, which hides the rest where a core is free for the network's
 * thread. {@code CostModel} in {@code lib/benchmarks} computes it from what {@code run.sh scaling}
 * and {@code run.sh all-reduce-sizes} measure. On two cores it is 1.05 of what two and four ranks
 * take ({@code results/cost-model.json}); what follows beyond four is its word, with a hop of 20 µs
 * more on the wire.
 *
 * <p><b>Where the limit lies.</b> Two layers of 128 units, 64 windows a rank, 10 Gbit/s: 0.87 of
 * the windows/s of as many single ranks at 8, 0.81 at 64, 0.76 at 512. Nearly all that is missing
 * are stragglers: steps vary by 9 % on that machine, so the slowest of 512 ranks is 30 ms behind
 * the mean of 108, and what the all-reduce leaves exposed is 3. Even cores, and none shared, are
 * worth more than any setting. Bytes do not grow with R; at 1 Gbit/s they are 9 ms. Hops do, 2(R−1)
 * of them a bucket in a ring: always taking it would leave 0.37 at 512, so what is short for its R
 * goes by halving and doubling ({@code AllReduceSettings}); what is longer than 1 MiB may not,
 * which with 16 times the parameters costs 5 % of a step at 512. What moves the limit: more windows
 * a rank ({@code train.batch-size}), which makes hops and bytes a smaller part of a step; {@code
 * train.threads}, which makes fewer and larger ranks of the same cores; and {@code
 * gradient-sharing.wire = bf16}, which halves the bytes of long arrays on slow lines. A host that
 * is always slow sets the pace whatever R is, and its peers' share of all-reduce tells.
 *
 * <p><b>Considered:</b> the driver's port and protocol against Spark's accumulators and barrier
 * messages. Accumulators arrive with the executors' heartbeats, every ten seconds, and nothing goes
 * the other way: no stop with a checkpoint, no answer to whether one may be written.
 */
package io.sluice.training.sharing;
