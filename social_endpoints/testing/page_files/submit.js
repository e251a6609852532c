// Post the response to the site. Without JavaScript, the user presses the button.
document.getElementById("response").submit();
