package io.sluice.training;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;

/** What a class warns of, kept in place of printed. */
final class Warnings extends AbstractAppender implements AutoCloseable {
  final List<String> messages = new CopyOnWriteArrayList<>();
  private final Logger logger;

  Warnings(String className) {
    super("warnings", null, null, true, Property.EMPTY_ARRAY);
    start();
    logger = (Logger) LogManager.getLogger(className);
    logger.setAdditive(false);
    logger.addAppender(this);
  }

  @Override
  public void append(LogEvent event) {
    if (event.getLevel().isMoreSpecificThan(Level.WARN)) {
      messages.add(event.getMessage().getFormattedMessage());
    }
  }

  @Override
  public void close() {
    logger.removeAppender(this);
    logger.setAdditive(true);
  }
}
