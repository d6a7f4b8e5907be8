package io.sluice.training.sharing;

import io.sluice.config.progress.Progress;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.kernel.Device;
import io.sluice.training.loop.Strategy.Surroundings;
import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.Link;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt of a run, as the driver sees it: waits for the ranks, lets them begin, passes on what
 * rank 0 tells, and ends when all are done or the first has failed.
 *
 * <p>Everything that happens, on the network, in Spark or on the clock, becomes an event, and one
 * thread, the caller's, takes them one by one. Every wait has a deadline.
 */
final class Attempt implements Endpoint.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(Attempt.class);

  /** How long after the first failure others may come in that tell more about its cause. */
  private static final Duration GRACE = Duration.ofSeconds(2);

  private static final Duration TICK = Duration.ofMillis(200);

  private final int ranks;
  private final IntFunction<String> roles;
  private final GradientSharingSettings settings;
  private final Surroundings around;
  private final Runnable underWay;
  private final LinkedBlockingQueue<Runnable> events = new LinkedBlockingQueue<>();

  // what follows belongs to the thread that waits
  private final Link[] links;
  private final Message.Joined[] members;

  /** Ranks that have said how they ended. */
  private final boolean[] ended;

  private final boolean[] done;
  private final List<Failure> failures = new ArrayList<>();
  private final Set<String> lostExecutors = new HashSet<>();
  private boolean begun;
  private boolean stopSent;
  private boolean stepped;
  private long deadline;
  private long concludeAt;

  /**
   * @param weight the higher, the closer to the cause
   */
  private record Failure(int weight, String message, ExitStatus status) {}

  /**
   * @param roles what each rank is, for messages; may be empty
   * @param underWay told once, when the first step is done, which no rank does without the others
   */
  Attempt(
      int ranks,
      IntFunction<String> roles,
      GradientSharingSettings settings,
      Surroundings around,
      Runnable underWay) {
    this.ranks = ranks;
    this.roles = roles;
    this.settings = settings;
    this.around = around;
    this.underWay = underWay;
    this.links = new Link[ranks];
    this.members = new Message.Joined[ranks];
    this.ended = new boolean[ranks];
    this.done = new boolean[ranks];
  }

  /** Spark says that an executor is gone. */
  void executorLost(String executor, String reason) {
    events.add(
        () -> {
          for (Message.Joined member : members) {
            if (member != null && member.executor().equals(executor) && !ended[member.rank()]) {
              fail(3, "%s was lost: %s".formatted(name(member.rank()), reason.strip()), null);
            }
          }
        });
  }

  /**
   * Waits for the end.
   *
   * @param jobEnded whether Spark's job is over
   * @throws AttemptFailedException if it failed in a way that another attempt may not
   * @throws io.sluice.failure.UserFailure if it failed in a way that any other would too
   */
  void await(BooleanSupplier jobEnded) {
    deadline = System.nanoTime() + settings.joinTimeout().toNanos();
    while (!isOver()) {
      Runnable event = next();
      if (event != null) {
        event.run();
      }
      askToStop();
      if (event == null && failures.isEmpty() && jobEnded.getAsBoolean() && !isOver()) {
        fail(1, "Spark ended the job before all ranks were done", null);
      }
      if (failures.isEmpty() && System.nanoTime() - deadline > 0) {
        fail(2, expired(), null);
      }
    }
    conclude();
  }

  private boolean isOver() {
    if (!failures.isEmpty()) {
      return System.nanoTime() - concludeAt > 0;
    }
    return IntStream.range(0, ranks).allMatch(rank -> done[rank]);
  }

  private Runnable next() {
    try {
      return events.poll(TICK.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while training", e);
    }
  }

  private void conclude() {
    if (failures.isEmpty()) {
      return;
    }
    Failure cause = failures.get(0);
    for (Failure each : failures) {
      cause = each.weight > cause.weight ? each : cause;
    }
    for (Link link : links) {
      if (link != null) {
        link.send(new Message.Abort(cause.message).bytes());
      }
    }
    if (cause.status == null) {
      throw new AttemptFailedException(cause.message, lostExecutors);
    }
    if (cause.status == ExitStatus.BAD_INPUT) {
      throw new InvalidInputException(cause.message);
    }
    throw cause.status == ExitStatus.CLUSTER_TOO_SMALL
        ? new InsufficientClusterException(cause.message)
        : new OperationFailedException(cause.message);
  }

  private void fail(int weight, String message, ExitStatus status) {
    if (failures.isEmpty()) {
      concludeAt = System.nanoTime() + GRACE.toNanos();
    }
    failures.add(new Failure(weight, message, status));
    if (status != null) {
      concludeAt = System.nanoTime();
    }
  }

  private String expired() {
    if (begun) {
      return "No step was finished within %s. Look at the executors' logs; if a step takes that long, raise train.gradient-sharing.step-timeout."
          .formatted(words(settings.stepTimeout()));
    }
    List<Integer> missing =
        IntStream.range(0, ranks).filter(rank -> members[rank] == null).boxed().toList();
    return missing.size() == ranks
        ? "None of the %d ranks was started within %s. The cluster's task slots are taken by other jobs, or its executors do not start: look at the Spark UI; raise train.gradient-sharing.join-timeout if they only need longer."
            .formatted(ranks, words(settings.joinTimeout()))
        : "%s of %d did not join within %s (%d joined). Look at the logs of the executors that are not among %s; raise train.gradient-sharing.join-timeout if hosts start slowly."
            .formatted(
                missing.size() == 1 ? "Rank " + missing.get(0) : "Ranks " + missing,
                ranks,
                words(settings.joinTimeout()),
                ranks - missing.size(),
                Arrays.stream(members)
                    .filter(m -> m != null)
                    .map(m -> "%s on %s".formatted(m.executor(), m.host()))
                    .distinct()
                    .toList());
  }

  private void askToStop() {
    if (begun && !stopSent && around.stopAsked().getAsBoolean() && links[0] != null) {
      links[0].send(new Message.Stop().bytes());
      stopSent = true;
    }
  }

  @Override
  public Endpoint.Body received(Link link, ByteBuffer head, int bodyBytes) {
    try {
      Message message = Message.of(head);
      events.add(() -> take(link, message));
    } catch (IOException e) {
      LOG.warn(
          "Closing the link to {}, which sent what is no message: {}", link.peer(), e.getMessage());
      link.close();
    }
    return null;
  }

  @Override
  public void lost(Link link, String reason) {
    events.add(
        () -> {
          for (int rank = 0; rank < ranks; rank++) {
            if (links[rank] == link) {
              links[rank] = null;
              if (!ended[rank]) {
                lostExecutors.add(members[rank].executor());
                fail(2, "%s was lost: it %s".formatted(name(rank), reason), null);
              }
            }
          }
        });
  }

  private void take(Link link, Message message) {
    if (message instanceof Message.Joined joined) {
      join(link, joined);
    } else if (message instanceof Message.Steps steps) {
      heard();
      if (!stepped) {
        stepped = true;
        underWay.run();
      }
      around.observer().stepsDone(steps.done());
    } else if (message instanceof Message.Epoch epoch) {
      heard();
      around.observer().epochDone(epoch.done());
    } else if (message instanceof Message.Checkpointed checkpoint) {
      heard();
      around.observer().checkpointed(checkpoint.uri());
    } else if (message instanceof Message.Warned warned) {
      LOG.warn("{}: {}", name(warned.rank()), warned.text());
    } else if (message instanceof Message.MayWrite) {
      link.send(new Message.WriteAnswer(refusal()).bytes());
    } else if (message instanceof Message.Done end) {
      heard();
      done[end.rank()] = true;
      ended[end.rank()] = true;
    } else if (message instanceof Message.Failed failed) {
      LOG.debug("{} failed: {}", name(failed.rank()), failed.trace());
      ended[failed.rank()] = true;
      int weight = failed.status() != null ? 5 : failed.ofPeer() ? 1 : 4;
      fail(
          weight,
          failed.status() != null
              ? failed.message()
              : "%s failed: %s".formatted(name(failed.rank()), failed.message()),
          failed.status());
    }
  }

  private void join(Link link, Message.Joined joined) {
    int rank = joined.rank();
    if (rank < 0 || rank >= ranks || links[rank] != null) {
      LOG.warn("Closing the link to {}, which joined as rank {} of {}", link.peer(), rank, ranks);
      link.close();
      return;
    }
    links[rank] = link;
    members[rank] = joined;
    if (Arrays.stream(links).allMatch(l -> l != null) && devicesAreAlike()) {
      ByteBuffer begin =
          new Message.Begin(Arrays.stream(members).map(Message.Joined::addresses).toList()).bytes();
      for (Link each : links) {
        each.send(begin.duplicate());
      }
      begun = true;
      heard();
    }
  }

  /** Tells on what all ranks compute, and gives up where some have a GPU and others none. */
  private boolean devicesAreAlike() {
    List<String> devices = Arrays.stream(members).map(Message.Joined::device).toList();
    Arrays.stream(members)
        .map(Message.Joined::complaint)
        .filter(c -> c != null)
        .distinct()
        .forEach(LOG::warn);
    long cpus = devices.stream().filter(Device.CPU.toString()::equals).count();
    if (cpus > 0 && cpus < ranks) {
      fail(5, mixed(), ExitStatus.CLUSTER_TOO_SMALL);
      return false;
    }
    for (Message.Joined member : members) {
      LOG.info("device: {}: {}", name(member.rank()), member.device());
    }
    around.observer().devicesKnown(devices);
    return true;
  }

  private String mixed() {
    return "Some ranks have a GPU and others none, which they would wait for at every step: %s. Give every rank one (spark.executor.resource.gpu.amount; device = gpu tells why one has none), or set device = cpu."
        .formatted(
            Arrays.stream(members)
                .map(member -> "%s: %s".formatted(name(member.rank()), member.device()))
                .collect(Collectors.joining("; ")));
  }

  /** Ranks wait for each other with the same deadline, and know better for whom. */
  private void heard() {
    deadline =
        System.nanoTime() + settings.stepTimeout().toNanos() + settings.silenceTimeout().toNanos();
  }

  /** Null, or why no checkpoint may be written any more. */
  private String refusal() {
    try {
      around.guard().requireMayWrite();
      return null;
    } catch (RuntimeException e) {
      return e.getMessage();
    }
  }

  private String name(int rank) {
    Message.Joined member = members[rank];
    String role = roles.apply(rank);
    return member == null
        ? "Rank %d of %d%s".formatted(rank, ranks, role.isEmpty() ? "" : " (%s)".formatted(role))
        : "Rank %d of %d (%sexecutor %s on %s)"
            .formatted(
                rank, ranks, role.isEmpty() ? "" : role + ", ", member.executor(), member.host());
  }

  private static String words(Duration duration) {
    return Progress.words(duration);
  }
}
