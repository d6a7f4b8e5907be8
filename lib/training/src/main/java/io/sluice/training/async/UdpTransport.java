package io.sluice.training.async;

import io.aeron.FragmentAssembler;
import io.aeron.Publication;
import io.aeron.logbuffer.Header;
import io.sluice.failure.OperationFailedException;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.DirectBuffer;
import org.agrona.IoUtil;
import org.nd4j.parameterserver.distributed.conf.VoidConfiguration;
import org.nd4j.parameterserver.distributed.v2.enums.PropagationMode;
import org.nd4j.parameterserver.distributed.v2.messages.INDArrayMessage;
import org.nd4j.parameterserver.distributed.v2.messages.RequestMessage;
import org.nd4j.parameterserver.distributed.v2.messages.ResponseMessage;
import org.nd4j.parameterserver.distributed.v2.messages.VoidMessage;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.ping.PingMessage;
import org.nd4j.parameterserver.distributed.v2.transport.impl.AeronUdpTransport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * dl4j-spark's Aeron transport with an end to every wait and to every thread.
 *
 * <p>What is different: a request that is not answered and a message that cannot be sent fail after
 * the time-out instead of never; a message for a peer that is gone is dropped; only the parameter
 * server's own classes are deserialized ({@link Messages}); {@link #shutdown} ends the threads and
 * removes Aeron's folder, where dl4j-spark's leaves one thread polling and the folder in shared
 * memory.
 */
final class UdpTransport extends AeronUdpTransport {
  private static final Logger LOG = LoggerFactory.getLogger(UdpTransport.class);
  private static final long PAUSE_NANOS = 100_000;
  private static final int FRAGMENTS = 1024;

  private final long timeoutNanos;
  private final Endpoint own;
  private final Endpoint root;
  private final Set<String> gone = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;
  private volatile RuntimeException failure;

  /**
   * @param own where this process listens; equal to {@code root} in the driver
   * @param root where the driver listens
   * @param messageLimit bytes of the longest message
   */
  UdpTransport(
      Endpoint own,
      Endpoint root,
      VoidConfiguration configuration,
      Duration timeout,
      long messageLimit) {
    super(own.address(), own.port(), root.address(), root.port(), configuration);
    this.own = own;
    this.root = root;
    this.timeoutNanos = timeout.toNanos();
    this.splitter = new Messages(messageLimit);
  }

  /** Aeron's files, in shared memory. */
  private File folder() {
    return new File(context.aeronDirectoryName());
  }

  @Override
  protected void createSubscription() {
    ownSubscription = aeron.addSubscription(id(), voidConfiguration.getStreamId());
    messageHandler = new FragmentAssembler(this::jointMessageHandler);
    messagesExecutorService.execute(this::poll);
    for (int n = 0; n < MESSAGE_THREADS; n++) {
      messagesExecutorService.execute(this::dispatch);
    }
    for (int n = 0; n < SENDER_THREADS; n++) {
      messagesExecutorService.execute(this::propagate);
    }
  }

  private void poll() {
    while (!closed) {
      if (ownSubscription.poll(messageHandler, FRAGMENTS) == 0) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  private void dispatch() {
    try {
      while (!closed) {
        processMessage(messageQueue.take());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // shutdown
    }
  }

  private void propagate() {
    try {
      while (!closed) {
        redirectedPropagateArrayMessage(propagationQueue.take());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // shutdown
    } catch (IOException | RuntimeException e) {
      if (!closed) {
        failure =
            e instanceof OperationFailedException known
                ? known
                : new OperationFailedException(
                    "%s could not share an update: %s".formatted(own, e), e);
      }
    }
  }

  @Override
  protected void propagateArrayMessage(INDArrayMessage message, PropagationMode mode) {
    try {
      while (!propagationQueue.offer(message, 1, TimeUnit.SECONDS)) {
        throwIfFailed();
      }
      throwIfFailed();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private void throwIfFailed() {
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  protected void jointMessageHandler(DirectBuffer buffer, int offset, int length, Header header) {
    byte[] bytes = new byte[length];
    buffer.getBytes(offset, bytes);
    try {
      VoidMessage message = Messages.read(bytes);
      if (!remoteConnections.containsKey(message.getOriginatorId())) {
        addConnection(message.getOriginatorId());
      }
      messageQueue.put(message);
    } catch (IOException | RuntimeException e) {
      LOG.warn("{} refused a message of {} bytes: {}", own, length, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void sendMessage(VoidMessage message, String id) {
    if (message.getOriginatorId() == null) {
      message.setOriginatorId(id());
    }
    if (message instanceof INDArrayMessage || id.equals(message.getOriginatorId())) {
      super.sendMessage(message, id); // cuts it and comes back here, or hands it to this process
      return;
    }
    RemoteConnection connection = remoteConnections.get(id);
    if (connection == null || gone.contains(id)) {
      drop(id);
      return;
    }
    send(message.asUnsafeBuffer(), id, connection);
  }

  private void send(DirectBuffer bytes, String id, RemoteConnection connection) {
    long start = System.nanoTime();
    while (!closed) {
      long position;
      synchronized (connection.getLocker()) {
        position = connection.getPublication().offer(bytes);
      }
      if (position > 0) {
        return;
      }
      if (position == Publication.CLOSED
          || position == Publication.MAX_POSITION_EXCEEDED
          || System.nanoTime() - start > timeoutNanos) {
        drop(id);
        return;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  /** A lost peer costs a warning, once; without the driver nothing goes on. */
  private void drop(String id) {
    if (id.equals(root.channel())) {
      throw new OperationFailedException(
          "%s cannot reach the driver at %s any more. See the driver's log.".formatted(own, root));
    }
    if (gone.add(id)) {
      LOG.warn("{} goes on without {}, which takes no message any more", own, id);
    }
  }

  @Override
  public <T extends ResponseMessage> T sendMessageBlocking(RequestMessage message, String id)
      throws InterruptedException {
    T response = sendMessageBlocking(message, id, timeoutNanos, TimeUnit.NANOSECONDS);
    if (response == null) {
      throw new OperationFailedException(
          "%s got no answer to its %s from %s within %d s"
              .formatted(
                  own,
                  message.getClass().getSimpleName(),
                  id,
                  TimeUnit.NANOSECONDS.toSeconds(timeoutNanos)));
    }
    return response;
  }

  /** A peer under load may take longer for a ping than the 100 ms it is given. */
  @Override
  public <T extends ResponseMessage> T sendMessageBlocking(
      RequestMessage message, String id, long wait, TimeUnit unit) throws InterruptedException {
    long nanos = message instanceof PingMessage ? timeoutNanos : unit.toNanos(wait);
    return super.sendMessageBlocking(message, id, nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public synchronized void shutdown() {
    if (closed) {
      return;
    }
    closed = true;
    messagesExecutorService.shutdownNow();
    executorService.shutdownNow();
    try {
      messagesExecutorService.awaitTermination(10, TimeUnit.SECONDS);
      executorService.awaitTermination(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    aeron.close(); // with its publications and subscriptions
    driver.close();
    IoUtil.delete(folder(), true);
  }
}
