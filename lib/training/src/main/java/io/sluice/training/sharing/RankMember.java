package io.sluice.training.sharing;

import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import io.sluice.recurrent.kernel.Device;
import io.sluice.training.allreduce.PeerLostException;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.loop.RunObserver;
import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.Link;
import io.sluice.training.transport.TransportSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank as the driver sees it: joins, tells how the run goes on, asks before it writes, and hears
 * when it is to stop.
 */
final class RankMember implements Endpoint.Listener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RankMember.class);

  private final int rank;
  private final Duration patience;
  private final CompletableFuture<List<List<String>>> begin = new CompletableFuture<>();
  private final LinkedBlockingQueue<Message.WriteAnswer> answers = new LinkedBlockingQueue<>();
  private final Consumer<String> aborted;
  private final Endpoint endpoint;
  private final Link driver;
  private volatile boolean stopAsked;

  /**
   * @param driver where it listens
   * @param patience for the driver and the other ranks
   * @param aborted told why, if the driver is gone or gives the attempt up
   * @throws IOException if the driver cannot be reached
   */
  RankMember(
      int rank,
      TransportSettings transport,
      GroupKey key,
      String driver,
      Duration patience,
      Consumer<String> aborted)
      throws IOException {
    this.rank = rank;
    this.patience = patience;
    this.aborted = aborted;
    this.endpoint = Endpoint.listen(transport, "reporter of rank " + rank, key, this);
    try {
      this.driver = endpoint.connect(driver, "driver", patience);
    } catch (IOException | RuntimeException e) {
      endpoint.close();
      throw e;
    }
  }

  /**
   * Says where this rank is and what it computes on, and waits until all are there.
   *
   * @return their addresses, by rank
   */
  List<List<String>> join(List<String> addresses, String executor, String host, Device device) {
    send(
        new Message.Joined(
            rank, addresses, executor, host, device.toString(), device.complaint().orElse(null)));
    try {
      return begin.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for other ranks", e);
    } catch (ExecutionException e) {
      throw new PeerLostException("driver", e.getCause().getMessage());
    } catch (TimeoutException e) {
      throw new PeerLostException(
          "driver",
          "The driver did not say within %s that all ranks had joined".formatted(patience));
    }
  }

  boolean stopAsked() {
    return stopAsked;
  }

  /** Tells the driver. */
  RunObserver observer() {
    return new RunObserver() {
      @Override
      public void restartsAt(Position at) {}

      @Override
      public void stepsDone(StepsDone done) {
        send(new Message.Steps(done));
      }

      @Override
      public void epochDone(EpochDone done) {
        send(new Message.Epoch(done));
      }

      @Override
      public void checkpointed(String uri) {
        send(new Message.Checkpointed(uri));
      }
    };
  }

  /** Asks the driver, who holds the lock of the folder. */
  CheckpointWriter.Guard guard() {
    return () -> {
      answers.clear();
      send(new Message.MayWrite());
      Message.WriteAnswer answer;
      try {
        answer = answers.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("Interrupted while asking whether to write", e);
      }
      if (answer == null) {
        throw new PeerLostException(
            "driver", "The driver did not answer within %s".formatted(patience));
      }
      if (answer.refusal() != null) {
        throw new OperationFailedException(answer.refusal());
      }
    };
  }

  /** Tells who watches the driver. */
  void warn(String text) {
    LOG.warn("{}", text);
    send(new Message.Warned(rank, cut(text)));
  }

  void done() {
    send(new Message.Done(rank));
  }

  /**
   * @param killed whether Spark has ended the task, for another's failure
   */
  void failed(Throwable failure, boolean killed) {
    var trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    UserFailure users = failure instanceof UserFailure known ? known : null;
    String message = failure.getMessage();
    send(
        new Message.Failed(
            rank,
            killed || failure instanceof PeerLostException,
            users == null ? null : users.exitStatus(),
            users != null || failure instanceof PeerLostException ? message : failure.toString(),
            cut(trace.toString())));
  }

  /** A message is a head, and a head is short. */
  private static String cut(String text) {
    return text.length() <= 8192 ? text : text.substring(0, 8192) + " …";
  }

  private void send(Message message) {
    driver.send(message.bytes());
  }

  @Override
  public Endpoint.Body received(Link link, ByteBuffer head, int bodyBytes) {
    try {
      take(Message.of(head));
    } catch (IOException e) {
      LOG.warn(
          "Closing the link to {}, which sent what is no message: {}", link.peer(), e.getMessage());
      link.close();
    }
    return null;
  }

  private void take(Message message) {
    if (message instanceof Message.Begin all) {
      begin.complete(all.addresses());
    } else if (message instanceof Message.WriteAnswer answer) {
      answers.add(answer);
    } else if (message instanceof Message.Stop) {
      stopAsked = true;
    } else if (message instanceof Message.Abort abort) {
      end(abort.reason());
    }
  }

  @Override
  public void lost(Link link, String reason) {
    end("%s %s".formatted(link.peer(), reason));
  }

  private void end(String reason) {
    begin.completeExceptionally(new IllegalStateException(reason));
    aborted.accept(reason);
  }

  /** Lets what was said reach the driver, and leaves. */
  @Override
  public void close() {
    endpoint.close();
  }
}
