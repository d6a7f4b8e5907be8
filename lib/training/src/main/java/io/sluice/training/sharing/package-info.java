/**
 * Gradient sharing: the loop in the ranks of a Spark barrier stage.
 *
 * <p>Main type: {@link io.sluice.training.sharing.GradientSharing}. An attempt is one barrier
 * stage: {@code Attempt} is its story on the driver, {@code RankTask} in each task, {@code Message}
 * what they say to each other.
 *
 * <p>Depends on Spark, {@code training.loop}, {@code training.allreduce} and {@code
 * training.transport}.
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
 * <p><b>Whose failure.</b> When a rank dies, all others fail too. The driver waits two seconds for
 * what comes in and shows the failure that is closest to the cause: a rank's own before what its
 * peers noticed, and Spark's word on why an executor was removed before both.
 *
 * <p><b>Considered:</b> the driver's port and protocol against Spark's accumulators and barrier
 * messages. Accumulators arrive with the executors' heartbeats, every ten seconds, and nothing goes
 * the other way: no stop with a checkpoint, no answer to whether one may be written.
 */
package io.sluice.training.sharing;
