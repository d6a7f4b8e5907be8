package io.sluice.training;

import java.io.FileDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** TCP sockets of this process, as Linux shows them. */
final class Sockets {
  private static final String LISTENING = "0A";
  private static final int BOTH_WAYS = 2;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** One line of the kernel's table, with the process's descriptor of it. */
  private record Connection(int descriptor, int localPort, int remotePort, String state) {}

  private Sockets() {}

  /** Ports that it listens on, in order. */
  static Set<Integer> listening() {
    var ports = new TreeSet<Integer>();
    for (Connection each : connections()) {
      if (each.state.equals(LISTENING)) {
        ports.add(each.localPort);
      }
    }
    return ports;
  }

  /**
   * Ports that it listens on besides others, in order, once there are so many: Linux does not
   * always list all sockets while some come and go.
   */
  static List<Integer> awaitListening(int atLeast, Set<Integer> others) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Set<Integer> ports = listening();
      ports.removeAll(others);
      if (ports.size() >= atLeast) {
        return List.copyOf(ports);
      }
      if (System.nanoTime() - end > 0) {
        throw new IllegalStateException(
            "This process listens on %d ports besides %s after %d s, expected at least %d: %s"
                .formatted(ports.size(), others, PATIENCE.toSeconds(), atLeast, ports));
      }
      LockSupport.parkNanos(10_000_000);
    }
  }

  /** Lets a port die, with all connections through it, while the process lives. */
  static void shutDown(int port) {
    for (Connection each : connections()) {
      if (each.localPort == port || each.remotePort == port) {
        shutDown(each);
      }
    }
  }

  private static void shutDown(Connection connection) {
    try {
      var descriptor = new FileDescriptor();
      Field number = FileDescriptor.class.getDeclaredField("fd");
      number.setAccessible(true);
      number.setInt(descriptor, connection.descriptor);
      Method shutdown =
          Class.forName("sun.nio.ch.Net")
              .getDeclaredMethod("shutdown", FileDescriptor.class, int.class);
      shutdown.setAccessible(true);
      shutdown.invoke(null, descriptor, BOTH_WAYS);
    } catch (InvocationTargetException e) {
      if (connection.state.equals(LISTENING)) {
        throw new IllegalStateException("cannot shut down a socket", e);
      }
      // the other side closed it meanwhile
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot shut down a socket", e);
    }
  }

  private static List<Connection> connections() {
    var connections = new ArrayList<Connection>();
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      var table = new ArrayList<String[]>();
      for (String name : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
        if (Files.exists(Path.of(name))) {
          Files.readAllLines(Path.of(name)).forEach(line -> table.add(line.strip().split("\\s+")));
        }
      }
      for (Path each : (Iterable<Path>) open::iterator) {
        String target = target(each);
        for (String[] row : table) {
          if (target.equals("socket:[" + row[9] + "]")) {
            int descriptor = Integer.parseInt(each.getFileName().toString());
            connections.add(new Connection(descriptor, port(row[1]), port(row[2]), row[3]));
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return connections;
  }

  private static int port(String address) {
    return Integer.parseInt(address.substring(address.indexOf(':') + 1), 16);
  }

  private static String target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (IOException e) {
      return "closed meanwhile";
    }
  }
}
