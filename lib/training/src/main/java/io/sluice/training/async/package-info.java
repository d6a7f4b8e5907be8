/**
 * Asynchronous gradient sharing: dl4j-spark's {@code SharedTrainingMaster}, so that it trains
 * across executor processes, ends every wait and says what went wrong.
 *
 * <p>Main type: {@link io.sluice.training.async.AsyncGradientSharing}. {@link
 * io.sluice.training.async.AsyncSettings} goes in, with a {@link
 * io.sluice.training.async.NetworkSource} and {@link io.sluice.training.async.Shares} for the
 * workers; an {@link io.sluice.training.async.AsyncGradientSharing.Epoch} comes out. Depends on
 * {@code recurrent}, dl4j-spark's parameter server and Aeron.
 *
 * <p>A worker steps on its own parameters, encodes what the step changed (a threshold, with the
 * rest kept for later) and sends it over Aeron UDP to the driver, which applies it to the network
 * that is the result and passes it on to the others. At the start of an epoch every worker takes
 * the driver's parameters and the mean of the optimizer states; within an epoch nobody waits, and
 * equal runs differ.
 *
 * <p>The decision worth knowing: encoding, mesh and parameter server are dl4j-spark's; both ends of
 * its network are ours. The reasons were found by running it, two executors on one host, and by
 * reading its sources:
 *
 * <ul>
 *   <li><b>Weights that do not move.</b> A process's name in the mesh is its address and port. The
 *       port comes from one configuration for all, so an executor on the driver's host has the
 *       driver's name. {@code BaseTransport} takes a process with the root's name for the root:
 *       {@code launch} then neither connects nor listens nor shakes hands, {@code isIntroduced}
 *       says yes, and updates go round inside the executor. The job ends well, the mesh has 0 nodes
 *       and the driver's parameters are those it began with. With a port for each process and
 *       nothing else changed, the mesh has 2 nodes and the loss falls (0.884 to 0.717 in three
 *       epochs of 40 batches, plain gradient descent; 0.884 without). Here a process asks Spark for
 *       its address and the system for a port.
 *   <li><b>Without a network mask</b> an executor calls itself 127.0.0.1, which is another host's
 *       loopback for everybody else.
 *   <li><b>A failed task's second attempt hangs.</b> The first task of a process sets {@code
 *       isFirst} and trains for all; an exception before training leaves it set, and the next
 *       attempt waits for a trainer that is not there. One during training is logged, and the task
 *       returns a result. {@link io.sluice.training.async.ShareTrainer} lets each task train for
 *       itself, throws, and leaves a process as new.
 *   <li><b>The second run of an application</b> finds the first one's parameter server in the
 *       executors, and sends to a driver that is no longer there. A run closes what it opened.
 *   <li><b>Two trainers in a process</b> ({@code workersPerNode(2)}) stop in the third epoch: one
 *       holds the lock of the network it was given and waits for the other's update, the other
 *       waits for the lock to read that network's updater. A process trains on one thread here.
 *   <li><b>Waits without an end:</b> the handshake, a message to a peer that has gone (a loop
 *       without a pause), a full queue. All of them fail after a time-out here.
 *   <li><b>Updates after the last task</b> are not waited for. Sent and applied are counted, and an
 *       epoch ends when they agree.
 *   <li><b>Deserialization of whatever arrives.</b> Only the parameter server's own classes are let
 *       in, and messages are no longer than a network may be. Nobody proves who he is, and nothing
 *       is encrypted, so a Spark with {@code spark.authenticate} refuses unless told otherwise.
 *   <li><b>Shared memory.</b> Six term buffers of 32 MiB for each peer, in {@code /dev/shm}, which
 *       stay after the process: 4 MiB by a JVM option, checked before the run, removed after it.
 * </ul>
 *
 * <p>A message for a process that is gone is dropped; a task that runs again starts its share from
 * the beginning, so the batches before the loss count twice. What a worker has not sent at the end
 * of an epoch, because it is under the threshold, is dropped, as in dl4j-spark. The driver passes
 * every update to every worker: traffic through it grows with the square of their number.
 */
package io.sluice.training.async;
