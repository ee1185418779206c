<?php
// Event streams and polling in plain PHP, as a module of Apache: messages are the lines of a file, at which a stream looks again
// and again.
[, $action, $channel] = explode('/', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) + ['', '', ''];
$file = getenv('DATA') . '/' . basename($channel ?: 'none') . '.messages';

function messages($file, $after)
{
    $lines = is_file($file) ? file($file, FILE_IGNORE_NEW_LINES) : [];
    return array_map('json_decode', array_slice($lines, $after));
}

if ($action === 'publish' && $_SERVER['REQUEST_METHOD'] === 'POST') {
    // Encoded once more, so that it is one line.
    $message = json_encode(json_decode(file_get_contents('php://input')), JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    file_put_contents($file, $message . "\n", FILE_APPEND | LOCK_EX);
    http_response_code(204);
} elseif ($action === 'poll') {
    $after = (int) ($_GET['after'] ?? 0);
    $messages = messages($file, $after);
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    echo json_encode(['cursor' => (string) ($after + count($messages)), 'messages' => $messages]);
} elseif ($action === 'events') {
    while (ob_get_level() > 0) {
        ob_end_flush();
    }
    header('Content-Type: text/event-stream');
    header('Cache-Control: no-cache');
    $told = count(messages($file, 0));
    $spoke = microtime(true);
    flush();
    while (!connection_aborted()) {
        foreach (messages($file, $told) as $message) {
            $told++;
            $spoke = microtime(true);
            if ($message->id !== null) {
                echo "id: $message->id\n";
            }
            if ($message->event !== null) {
                echo "event: $message->event\n";
            }
            echo 'data: ', str_replace("\n", "\ndata: ", $message->data), "\n\n";
        }
        if (microtime(true) - $spoke >= 1) {
            echo ": still here\n\n";
            $spoke = microtime(true);
        }
        flush();
        usleep(20000);
    }
} else {
    http_response_code(404);
}
