import { mount } from 'svelte';
import './styles/shared.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/prose.css';
import App from './App.svelte';
import { keepApp } from './offline/register';
import { settings } from './state/settings.svelte';

settings.applyTheme();
mount(App, { target: document.getElementById('app') as HTMLElement });
addEventListener('load', keepApp);
